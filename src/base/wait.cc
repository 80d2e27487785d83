#include "simgpu/base/wait.h"

#include <condition_variable>
#include <mutex>

namespace simgpu::base {

void sleepUntil(Clock& clock, Clock::TimePoint time) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  clock.waitUntil(lock, never, time, {}, [] { return false; });
}

Result<std::unique_ptr<FileLock>> lockWithin(Files& files, Clock& clock, const std::filesystem::path& file, mode_t mode,
                                             Clock::Duration patience, Clock::Duration poll) {
  auto deadline = clock.now() + patience;
  for (;;) {
    auto lock = files.lock(file, mode, Files::Wait::tryOnce);
    if (lock || lock.error().code() != Code::failedPrecondition || clock.now() >= deadline) {
      return lock;
    }
    sleepUntil(clock, clock.now() + poll);
  }
}

}  // namespace simgpu::base
