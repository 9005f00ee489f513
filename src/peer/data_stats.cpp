// Statistics of data channels with the names and units of webrtc-stats.
#include "peer/data_plane.hpp"

namespace parley::peer {
namespace {

// Of webrtc-stats' RTCSctpTransportStats, which later editions no longer list.
void add_transport(StatsReport& report, const sctp::Stats& stats) {
  StatsObject object{"ST", "sctp-transport"};
  object.set("transportId", "T")
      .set("congestionWindow", stats.congestion_window)
      .set("receiverWindow", stats.peer_window)
      .set("mtu", stats.mtu)
      .set("unackData", stats.chunks_in_flight);
  if (stats.smoothed_round_trip) {
    object.set_seconds("smoothedRoundTripTime", *stats.smoothed_round_trip);
  }
  report.objects.push_back(std::move(object));
}

void add_channel(StatsReport& report, sctp::ChannelHandle handle, const sctp::ChannelInfo& info) {
  StatsObject object{"D" + std::to_string(handle.value()), "data-channel"};
  object.set("label", info.options.label)
      .set("protocol", info.options.protocol)
      .set("state", sctp::to_string(info.state))
      .set("messagesSent", info.messages_sent)
      .set("bytesSent", info.bytes_sent)
      .set("messagesReceived", info.messages_received)
      .set("bytesReceived", info.bytes_received);
  if (info.id) object.set("dataChannelIdentifier", info.id->value());
  report.objects.push_back(std::move(object));
}

}  // namespace

// webrtc-stats section 8.13 counts channels that were ever open, and those of them that no longer
// are.
void DataPlane::note_open(sctp::ChannelHandle channel) {
  if (open_.insert(channel).second) ++opened_;
}

void DataPlane::note_left(sctp::ChannelHandle channel) {
  if (open_.erase(channel) > 0) ++closed_;
}

void DataPlane::add_stats(StatsReport& report) const {
  StatsObject connection{"P", "peer-connection"};
  connection.set("dataChannelsOpened", opened_).set("dataChannelsClosed", closed_);
  report.objects.push_back(std::move(connection));
  if (!live_) return;
  if (transport_) add_transport(report, live_->association.stats());
  for (const sctp::ChannelHandle handle : live_->channels.handles()) {
    if (const auto info = live_->channels.info(handle)) add_channel(report, handle, *info);
  }
}

}  // namespace parley::peer
