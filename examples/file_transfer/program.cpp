#include "file_transfer/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <istream>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>

#include "file_transfer/progress_bar.hpp"
#include "file_transfer/receiving.hpp"
#include "file_transfer/sending.hpp"
#include "file_transfer/signalling.hpp"
#include "parley/io/runtime.hpp"
#include "parley/peer_connection.hpp"

namespace file_transfer {
namespace {

using namespace std::chrono_literals;
using parley::Error;
using parley::Result;
using parley::SessionDescription;

std::atomic<bool> interrupted{false};
void on_signal(int) { interrupted = true; }

/// Set once by the network's thread, waited for by the program's.
class Outcome {
 public:
  void set(const std::string& reason) {
    const std::lock_guard lock(mutex_);
    if (!reason_) reason_ = reason;
    changed_.notify_all();
  }
  std::optional<std::string> wait_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, time, [this] { return reason_.has_value(); });
    return reason_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> reason_;
};

/// One connection and its transfer, in either role. Public functions are called on the program's
/// thread; everything that touches the connection runs on the runtime's.
class Transfer {
 public:
  Transfer(const Options& options, std::vector<FileEntry> files)
      : options_(options), files_(std::move(files)) {}
  ~Transfer() {
    runtime_.run_sync([this] {
      sending_.reset();
      receiving_.reset();
      channel_.reset();
      pc_.reset();
    });
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<SessionDescription> make_offer() {
    const auto made = runtime_.run_sync([this]() -> Result<void> {
      if (auto created = create(); !created) return created;
      auto channel =
          pc_->create_data_channel(kChannelLabel, {.protocol = std::string(kChannelProtocol)});
      if (!channel) return channel.error();
      channel_ = *channel;
      sending_ = Sending::create(runtime_.driver(), *channel_, options_.path, files_, done());
      const auto offer = pc_->set_local_description();
      return offer ? Result<void>{} : Result<void>{offer.error()};
    });
    if (!made) return made.error();
    return described();
  }

  Result<SessionDescription> make_answer(const SessionDescription& offer) {
    const auto made = runtime_.run_sync([&]() -> Result<void> {
      if (answered_) return Error{parley::Errc::invalid_state, "a transfer is under way"};
      if (auto created = create(); !created) return created;
      pc_->on_data_channel([this](parley::DataChannel channel) {
        if (channel.protocol() != kChannelProtocol || receiving_) return channel.close();
        channel_ = channel;
        receiving_ = Receiving::create(runtime_.driver(), channel, options_.path, done());
      });
      if (auto set = pc_->set_remote_description(offer); !set) return set;
      const auto answer = pc_->set_local_description();
      answered_ = answer.has_value();
      return answer ? Result<void>{} : Result<void>{answer.error()};
    });
    if (!made) return made.error();
    return described();
  }

  Result<void> take_answer(const SessionDescription& answer) {
    return runtime_.run_sync([&] { return pc_->set_remote_description(answer); });
  }

  Progress progress() {
    return runtime_.run_sync([this] {
      return sending_ ? sending_->progress() : receiving_ ? receiving_->progress() : Progress{};
    });
  }
  std::optional<std::string> wait_for(std::chrono::milliseconds time) {
    return outcome_.wait_for(time);
  }
  void interrupt() { outcome_.set("interrupted"); }

  /// Lets what was said last reach the other end.
  void close() {
    for (int tries = 0; tries < 50; ++tries) {
      const bool closed = runtime_.run_sync([this] {
        if (channel_) channel_->close();
        return !channel_ || channel_->state() == parley::DataChannelState::closed;
      });
      if (closed) break;
      std::this_thread::sleep_for(20ms);
    }
    runtime_.run_sync([this] {
      if (pc_) pc_->close();
    });
  }

 private:
  Result<void> create() {
    parley::Configuration config;
    config.network.bind_addresses = options_.bind;
    if (!options_.ice_servers.empty()) config.ice_servers = {{options_.ice_servers}};
    auto made = parley::PeerConnection::create(runtime_.driver(), config);
    if (!made) return made.error();
    pc_ = std::move(*made);
    pc_->on_connection_state_change([this](parley::ConnectionState state) {
      if (state == parley::ConnectionState::failed) outcome_.set(pc_->failure_reason());
      if (state == parley::ConnectionState::closed) outcome_.set("the other end hung up");
    });
    pc_->on_ice_gathering_state_change([this](parley::IceGatheringState state) {
      if (state == parley::IceGatheringState::complete) gathered_.set("");
    });
    return {};
  }

  /// The description with every candidate: there is no way to send more later.
  Result<SessionDescription> described() {
    gathered_.wait_for(10s);
    return *runtime_.run_sync([this] { return pc_->local_description(); });
  }

  Done done() {
    return [this](const std::string& reason) { outcome_.set(reason); };
  }

  const Options& options_;
  const std::vector<FileEntry> files_;
  Outcome outcome_, gathered_;
  parley::io::Runtime runtime_;
  std::unique_ptr<parley::PeerConnection> pc_;
  std::optional<parley::DataChannel> channel_;
  std::shared_ptr<Sending> sending_;
  std::shared_ptr<Receiving> receiving_;
  bool answered_ = false;  ///< one offer per transfer
};

/// A transfer under way ends in order when the user interrupts it. Before it begins the program
/// only waits, and an interrupt ends it as any other.
class InterruptsEndTransfer {
 public:
  InterruptsEndTransfer() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
  }
  ~InterruptsEndTransfer() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
  }
  InterruptsEndTransfer(const InterruptsEndTransfer&) = delete;
  InterruptsEndTransfer& operator=(const InterruptsEndTransfer&) = delete;
};

/// Shows progress until the end; returns the exit status.
int follow(Transfer& transfer, const Options& options, std::ostream& err) {
  const InterruptsEndTransfer interrupts;
  const bool show = !options.quiet && isatty(STDERR_FILENO) != 0;
  RateMeter meter;
  std::optional<RateMeter::Clock::time_point> begun;
  std::optional<std::string> reason;
  while (!reason) {
    reason = transfer.wait_for(100ms);
    if (interrupted) transfer.interrupt();
    const Progress progress = transfer.progress();
    const auto now = RateMeter::Clock::now();
    if (!begun && progress.bytes_done > progress.bytes_kept) begun = now - 100ms;
    meter.add(now, progress.bytes_done);
    if (show && progress.bytes > 0) {
      err << '\r' << bar_line(progress, meter.bytes_per_second(), 110) << "\x1b[K" << std::flush;
    }
  }
  const Progress progress = transfer.progress();
  transfer.close();
  if (show) err << "\r\x1b[K";
  if (!reason->empty()) {
    err << "file_transfer: " << *reason << "; " << progress.files_done << " of " << progress.files
        << " files are complete. Start both ends again to go on from here.\n";
    return 1;
  }
  const double seconds =
      begun ? std::chrono::duration<double>(RateMeter::Clock::now() - *begun).count() : 0;
  const auto moved = static_cast<double>(progress.bytes_done - progress.bytes_kept);
  err << (options.role == Role::send ? "sent " : "received ") << progress.files
      << (progress.files == 1 ? " file, " : " files, ")
      << size_text(static_cast<double>(progress.bytes));
  if (progress.bytes_kept > 0) {
    err << " (" << size_text(static_cast<double>(progress.bytes_kept)) << " were there already)";
  }
  if (seconds > 0 && moved > 0) err << ": " << size_text(moved / seconds) << "/s";
  err << ", SHA-256 verified\n";
  return 0;
}

int complain(std::ostream& err, const Error& error, int status) {
  err << "file_transfer: " << error.to_string() << '\n';
  return status;
}

int send(const Options& options, std::istream& in, std::ostream& out, std::ostream& err) {
  auto files = list_files(options.path);
  if (!files) return complain(err, files.error(), 2);
  if (files->empty()) {
    err << "file_transfer: there is no file in " << options.path.string() << '\n';
    return 2;
  }
  Transfer transfer(options, std::move(*files));
  const auto offer = transfer.make_offer();
  if (!offer) return complain(err, offer.error(), 1);
  const auto answer = [&]() -> Result<SessionDescription> {
    if (!options.to.empty()) return post_offer(options.to, *offer);
    err << "Paste this into the receiver (file_transfer receive):\n";
    write_block(out, *offer);
    err << "and what it answers here:\n";
    return read_block(in);
  }();
  if (!answer) return complain(err, answer.error(), 1);
  if (auto taken = transfer.take_answer(*answer); !taken) return complain(err, taken.error(), 1);
  return follow(transfer, options, err);
}

int receive(const Options& options, std::istream& in, std::ostream& out, std::ostream& err) {
  std::error_code failure;
  std::filesystem::create_directories(options.path, failure);
  if (!std::filesystem::is_directory(options.path)) {
    err << "file_transfer: " << options.path.string() << " is no folder\n";
    return 2;
  }
  int status = 0;
  do {
    Transfer transfer(options, {});
    if (options.listen.empty()) {
      err << "Paste what the sender printed:\n";
      const auto offer = read_block(in);
      if (!offer) return complain(err, offer.error(), 1);
      const auto answer = transfer.make_answer(*offer);
      if (!answer) return complain(err, answer.error(), 1);
      err << "Paste this into the sender:\n";
      write_block(out, *answer);
    } else {
      const auto served = serve_offers(
          options.listen,
          [&](const std::string& url) { out << "listening on " << url << std::endl; },
          [&](const SessionDescription& offer) { return transfer.make_answer(offer); });
      if (!served) return complain(err, served.error(), 1);
    }
    status = follow(transfer, options, err);
  } while (options.keep_listening && !options.listen.empty() && !interrupted);
  return status;
}

}  // namespace

int run(const Options& options, std::istream& in, std::ostream& out, std::ostream& err) {
  return options.role == Role::send ? send(options, in, out, err) : receive(options, in, out, err);
}

}  // namespace file_transfer
