#include "simgpu/claim/record.h"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

#include "simgpu/base/json_writer.h"
#include "simgpu/base/uuid.h"

namespace simgpu::claim {
namespace {

using nlohmann::json;

/// Spec-level annotations; the runtime keeps them to itself.
constexpr std::string_view kFormatKey = "dra-driver-sim-gpu/format";
constexpr std::string_view kBootKey = "dra-driver-sim-gpu/boot-id";
constexpr std::string_view kClaimKey = "dra-driver-sim-gpu/prepared-claim";
constexpr int kFormat = 1;

void write(base::JsonWriter& out, std::string_view key, std::string_view text) {
  out.key(key);
  out.text(text);
}

void write(base::JsonWriter& out, std::string_view key, const std::vector<std::string>& texts) {
  out.key(key);
  out.texts(texts);
}

void write(base::JsonWriter& out, std::string_view key, const std::map<std::string, base::Quantity>& amounts) {
  out.key(key);
  out.open('{');
  for (const auto& [name, amount] : amounts) {
    write(out, name, amount.toString());
  }
  out.close('}');
}

/// Unless it says nothing.
void writeIfAny(base::JsonWriter& out, std::string_view key, const auto& value) {
  if (!value.empty()) {
    write(out, key, value);
  }
}

/// Without what follows from the rest, so that the records of undivided devices stay as they were in earlier releases.
void write(base::JsonWriter& out, const HeldDevice& device) {
  out.open('{');
  writeIfAny(out, "consumed", device.consumed);
  writeIfAny(out, "counters", device.counters);
  write(out, "device", device.device);
  writeIfAny(out, "parent", device.parent);
  write(out, "pool", device.pool);
  writeIfAny(out, "shareID", device.shareId);
  out.close('}');
}

void write(base::JsonWriter& out, const PreparedDevice& device) {
  out.open('{');
  write(out, "cdiDeviceIDs", device.cdiIds);
  write(out, "device", device.device);
  write(out, "pool", device.pool);
  write(out, "requests", device.requests);
  writeIfAny(out, "shareID", device.shareId);
  out.close('}');
}

/// Keys are in the order of the alphabet: a record that says the same must be the same text as in earlier releases.
std::string jsonOf(const Record& record) {
  base::JsonWriter out(true);
  out.open('{');
  out.key("devices");
  out.open('[');
  std::ranges::for_each(record.prepared.devices, [&out](const PreparedDevice& device) { write(out, device); });
  out.close(']');
  out.key("held");
  out.open('[');
  std::ranges::for_each(record.held, [&out](const HeldDevice& device) { write(out, device); });
  out.close(']');
  const ClaimRef& claim = record.prepared.claim;
  write(out, "name", claim.name);
  write(out, "namespace", claim.space);
  write(out, "uid", claim.uid);
  out.close('}');
  return std::move(out).take();
}

std::string optionalText(const json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() ? std::string() : found->get<std::string>();
}

/// False if something is no amount.
bool optionalAmounts(const json& object, const char* key, std::map<std::string, base::Quantity>& into) {
  auto found = object.find(key);
  if (found == object.end()) {
    return true;
  }
  for (const auto& [name, text] : found->items()) {
    auto amount = base::Quantity::parse(text.get<std::string>());
    if (!amount) {
      return false;
    }
    into[name] = *amount;
  }
  return true;
}

Record unreadable(std::string_view claimUid) {
  return {.origin = Record::Origin::unreadable, .prepared = {.claim = {.uid = std::string(claimUid)}}};
}

/// False if the record is another claim's, or an amount in it is none. Throws what nlohmann throws.
bool fromJson(const json& text, Record& record) {
  record.prepared.claim.space = text.at("namespace").get<std::string>();
  record.prepared.claim.name = text.at("name").get<std::string>();
  for (const json& entry : text.at("devices")) {
    record.prepared.devices.push_back({.requests = entry.at("requests").get<std::vector<std::string>>(),
                                       .pool = entry.at("pool").get<std::string>(),
                                       .device = entry.at("device").get<std::string>(),
                                       .shareId = optionalText(entry, "shareID"),
                                       .cdiIds = entry.at("cdiDeviceIDs").get<std::vector<std::string>>()});
  }
  for (const json& entry : text.at("held")) {
    HeldDevice& held = record.held.emplace_back();
    held.pool = entry.at("pool").get<std::string>();
    held.device = entry.at("device").get<std::string>();
    held.shareId = optionalText(entry, "shareID");
    held.parent = optionalText(entry, "parent");
    if (!optionalAmounts(entry, "counters", held.counters) || !optionalAmounts(entry, "consumed", held.consumed)) {
      return false;
    }
  }
  return text.at("uid") == record.prepared.claim.uid;
}

/// `<claimUID>-<device>[-<shareID>]`, as the reference driver names devices, too.
HeldDevice heldByName(std::string_view name, std::string_view claimUid) {
  name.remove_prefix(std::min(name.size(), claimUid.size() + 1));
  HeldDevice held;
  if (name.size() > 37 && name[name.size() - 37] == '-' && base::isUuid(name.substr(name.size() - 36))) {
    held.shareId = name.substr(name.size() - 36);
    name.remove_suffix(37);
  }
  held.device = name;
  return held;
}

/// The reference driver tells every device of a claim that has any administrative access, so which of them are held
/// cannot be told; none counts then, because watching over a device must not keep it from its user.
void readForeign(Record& record) {
  record.origin = Record::Origin::foreign;
  for (const cdi::Device& device : record.spec.devices) {
    if (!device.name.starts_with(record.prepared.claim.uid + "-")) {
      continue;
    }
    if (std::ranges::find(device.edits.env, "DRA_ADMIN_ACCESS=true") == device.edits.env.end()) {
      record.held.push_back(heldByName(device.name, record.prepared.claim.uid));
    }
  }
}

}  // namespace

std::string SpecNaming::kind() const {
  return fmt::format("k8s.{}/{}", driverName, cdiClass);
}

std::string SpecNaming::filePrefix() const {
  return fmt::format("k8s.{}-{}_", driverName, cdiClass);
}

std::string SpecNaming::fileName(std::string_view claimUid) const {
  return fmt::format("{}{}.yaml", filePrefix(), claimUid);
}

std::string SpecNaming::deviceName(std::string_view claimUid, std::string_view device, std::string_view shareId) const {
  return shareId.empty() ? fmt::format("{}-{}", claimUid, device) : fmt::format("{}-{}-{}", claimUid, device, shareId);
}

std::string SpecNaming::claimUidOf(std::string_view fileName) const {
  constexpr std::string_view kExtension = ".yaml";
  std::string prefix = filePrefix();
  if (!fileName.starts_with(prefix) || !fileName.ends_with(kExtension) ||
      fileName.size() <= prefix.size() + kExtension.size()) {
    return {};
  }
  std::string_view uid = fileName.substr(prefix.size(), fileName.size() - prefix.size() - kExtension.size());
  return isUsableUid(uid) ? std::string(uid) : std::string();
}

bool HeldDevice::samePart(const HeldDevice& other) const {
  bool samePool = pool == other.pool || pool.empty() || other.pool.empty();
  const std::string& mine = parent.empty() ? device : parent;
  return samePool && mine == (other.parent.empty() ? other.device : other.parent);
}

bool HeldDevice::compatibleWith(const HeldDevice& other) const {
  if (!samePart(other)) {
    return true;
  }
  if (device != other.device) {
    return !counters.empty() && !other.counters.empty();
  }
  return !shareId.empty() && !other.shareId.empty() && shareId != other.shareId;
}

Record makeRecord(const SpecNaming& naming, PreparedClaim prepared, std::vector<HeldDevice> held, std::string bootId,
                  std::vector<cdi::Device> devices, cdi::ContainerEdits nodeEdits) {
  Record record{.prepared = std::move(prepared), .held = std::move(held), .bootId = std::move(bootId)};
  record.spec.kind = naming.kind();
  record.spec.devices = std::move(devices);
  record.spec.edits = std::move(nodeEdits);
  record.spec.annotations[std::string(kFormatKey)] = std::to_string(kFormat);
  record.spec.annotations[std::string(kBootKey)] = record.bootId;
  record.spec.annotations[std::string(kClaimKey)] = jsonOf(record);
  return record;
}

Record readRecord(const SpecNaming& naming, std::string_view claimUid, const Result<cdi::Spec>& spec) {
  if (!spec || spec->kind != naming.kind()) {
    return unreadable(claimUid);
  }
  Record record{.prepared = {.claim = {.uid = std::string(claimUid)}}, .spec = *spec};
  auto format = spec->annotations.find(std::string(kFormatKey));
  if (format == spec->annotations.end()) {
    readForeign(record);
    return record;
  }
  if (auto boot = spec->annotations.find(std::string(kBootKey)); boot != spec->annotations.end()) {
    record.bootId = boot->second;
  }
  bool known = format->second == std::to_string(kFormat);
  record.origin = known ? Record::Origin::ours : Record::Origin::newer;
  try {
    auto claim = spec->annotations.find(std::string(kClaimKey));
    if (!fromJson(json::parse(claim == spec->annotations.end() ? "" : claim->second), record)) {
      return unreadable(claimUid);
    }
  } catch (const json::exception&) {
    if (known) {
      return unreadable(claimUid);
    }
    // A later format may say it otherwise, but its devices are named as ever.
    record.prepared = {.claim = {.uid = std::string(claimUid)}};
    record.held.clear();
    readForeign(record);
    record.origin = Record::Origin::newer;
  }
  return record;
}

bool isUsableUid(std::string_view uid) {
  auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.'; };
  return !uid.empty() && uid.size() <= 63 && uid.front() != '.' && std::ranges::all_of(uid, allowed);
}

}  // namespace simgpu::claim
