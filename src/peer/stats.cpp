#include "parley/stats.hpp"

#include <cmath>
#include <cstdio>

namespace parley {
namespace {

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  out += text;
}

struct AppendValue {
  std::string& out;
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const { out += std::to_string(value); }
  void operator()(double value) const { append_number(out, value); }
  void operator()(const std::string& value) const { append_text(out, value); }
};

}  // namespace

StatsObject& StatsObject::put(std::string_view name, Value value) {
  for (auto& [known, old] : members_) {
    if (known == name) {
      old = std::move(value);
      return *this;
    }
  }
  members_.emplace_back(name, std::move(value));
  return *this;
}

const StatsObject::Value* StatsObject::find(std::string_view name) const {
  for (const auto& [known, value] : members_) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::optional<double> StatsObject::number(std::string_view name) const {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (const auto* b = std::get_if<bool>(value)) return *b ? 1.0 : 0.0;
  if (const auto* i = std::get_if<std::int64_t>(value)) return static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(value)) return *d;
  return std::nullopt;
}

std::optional<std::string_view> StatsObject::text(std::string_view name) const {
  const Value* value = find(name);
  const auto* text = value != nullptr ? std::get_if<std::string>(value) : nullptr;
  if (text == nullptr) return std::nullopt;
  return *text;
}

const StatsObject* StatsReport::find(std::string_view id) const {
  for (const StatsObject& object : objects) {
    if (object.id() == id) return &object;
  }
  return nullptr;
}

const StatsObject* StatsReport::first(std::string_view type, std::string_view kind) const {
  for (const StatsObject& object : objects) {
    if (object.type() == type && (kind.empty() || object.text("kind") == kind)) return &object;
  }
  return nullptr;
}

std::string StatsReport::to_json() const {
  std::string out = "[";
  for (const StatsObject& object : objects) {
    if (out.size() > 1) out += ',';
    out += "{\"id\":";
    append_text(out, object.id());
    out += ",\"type\":";
    append_text(out, object.type());
    char time[40];
    std::snprintf(time, sizeof time, ",\"timestamp\":%.3f", unix_ms);
    out += time;
    for (const auto& [name, value] : object.members()) {
      out += ',';
      append_text(out, name);
      out += ':';
      std::visit(AppendValue{out}, value);
    }
    out += '}';
  }
  return out + "]";
}

}  // namespace parley
