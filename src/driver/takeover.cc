#include "driver/takeover.h"

#include <nlohmann/json.hpp>

namespace simgpu::driver {
namespace {

/// Release 0.3 and later write an API object, release 0.2 an object with a checksum.
bool isReferenceCheckpoint(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return false;
  }
  auto kind = json.find("kind");
  return (kind != json.end() && *kind == "Checkpoint") || (json.contains("checksum") && json.contains("v1"));
}

}  // namespace

void retireReferenceCheckpoint(base::Files& files, const std::filesystem::path& pluginDirectory,
                               const base::Logger& log) {
  std::filesystem::path file = pluginDirectory / "checkpoint.json";
  auto text = files.read(file);
  if (!text || !isReferenceCheckpoint(*text)) {
    return;
  }
  if (Status removed = files.remove(file); !removed) {
    log.error(removed, "Cannot remove the checkpoint of the driver that was here before");
    return;
  }
  log.info("Took over from another driver of this name; its checkpoint is not needed any more",
           {{"file", file.native()}});
}

}  // namespace simgpu::driver
