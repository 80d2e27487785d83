#include "fakes/golden.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace simgpu::fakes {
namespace {

/// The only place that knows where the sources are, so that all other objects are the same for every checkout.
std::filesystem::path inSources(std::string_view path) {
  return std::filesystem::path(SIMGPU_SOURCE_DIR) / path;
}

}  // namespace

std::string sourceFile(std::string_view path) {
  std::ifstream file(inSources(path), std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

void expectGolden(std::string_view text, std::string_view name) {
  auto path = std::filesystem::path("test/golden") / name;
  if (std::getenv("SIMGPU_UPDATE_GOLDEN") != nullptr) {
    auto target = inSources(path.string());
    std::filesystem::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary) << text;
  }
  EXPECT_EQ(text, sourceFile(path.string())) << "regenerate with SIMGPU_UPDATE_GOLDEN=1 if that is intended";
}

}  // namespace simgpu::fakes
