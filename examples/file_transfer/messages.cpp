#include "file_transfer/messages.hpp"

#include <nlohmann/json.hpp>

namespace file_transfer {
namespace {

using nlohmann::json;

json write(const message::Manifest& m) {
  json files = json::array();
  for (const FileEntry& file : m.files) files.push_back({{"path", file.path}, {"size", file.size}});
  return {{"type", "manifest"}, {"files", files}, {"more", m.more}};
}
json write(const message::Have& m) {
  json files = json::array();
  for (const auto& file : m.files) files.push_back({{"size", file.size}, {"sha256", file.sha256}});
  return {{"type", "have"}, {"files", files}, {"more", m.more}};
}
json write(const message::Begin& m) {
  return {{"type", "begin"}, {"index", m.index}, {"offset", m.offset}};
}
json write(const message::End& m) {
  return {{"type", "end"}, {"index", m.index}, {"sha256", m.sha256}};
}
json write(const message::Verified& m) { return {{"type", "verified"}, {"index", m.index}}; }
json write(const message::Failed& m) { return {{"type", "failed"}, {"reason", m.reason}}; }

Message read(const json& j) {
  const std::string type = j.at("type");
  if (type == "manifest") {
    message::Manifest m{{}, j.at("more")};
    for (const json& file : j.at("files")) {
      m.files.push_back({file.at("path"), file.at("size").get<std::uint64_t>()});
    }
    return m;
  }
  if (type == "have") {
    message::Have m{{}, j.at("more")};
    for (const json& file : j.at("files")) {
      m.files.push_back({file.at("size").get<std::uint64_t>(), file.at("sha256")});
    }
    return m;
  }
  if (type == "begin") return message::Begin{j.at("index"), j.at("offset")};
  if (type == "end") return message::End{j.at("index"), j.at("sha256")};
  if (type == "verified") return message::Verified{j.at("index")};
  if (type == "failed") return message::Failed{j.at("reason")};
  throw json::other_error::create(501, "unknown type", &j);
}

}  // namespace

std::string to_json(const Message& message) {
  // File names that are not UTF-8 travel with replacement characters instead of not at all.
  return std::visit([](const auto& m) { return write(m); }, message)
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<Message> parse_message(std::string_view text) {
  try {
    return read(json::parse(text));
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace file_transfer
