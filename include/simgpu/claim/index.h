#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec_directory.h"
#include "simgpu/claim/instruments.h"
#include "simgpu/claim/losses.h"
#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"

namespace simgpu::claim {

struct ChangeCount;

/// Which claims are prepared, in memory: a cache of the CDI directory, by claim and by what their devices are made of,
/// and beside it whose specs somebody deleted.
///
/// `refresh` brings it up to date. It reads the directory only if the counter of changes in the lock file, or the time
/// of the last change of a name in the directory, is another than it knows. All of it is to be called with the store's
/// locks held.
class Index {
 public:
  struct Entry {
    base::FileInfo info;
    Record record;
    bool durable = true;  ///< The directory was synced since it was committed.
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  /// A claim that has a device which another one wants; only its UID is known if the reference driver prepared it.
  struct Holder {
    ClaimRef claim;
    std::string device;
  };

  /// Why a claim cannot be prepared now.
  struct Refusal {
    Status status;                 ///< failedPrecondition if another claim holds a device; cancelled.
    std::optional<Holder> holder;  ///< That claim.
  };

  /// In the place of a UID: the reference driver's file for what all its claims share. It is not in the index.
  static constexpr std::string_view kSharedByReference = "common";

  struct Scope {
    SpecNaming naming;
    std::string bootId;
    const device::Inventory* inventory = nullptr;  ///< See `Store::Options`.
  };

  /// `directory` must outlive the index.
  Index(Scope scope, const cdi::SpecDirectory& directory, Instruments& instruments, base::Logger log)
      : scope_(std::move(scope)), directory_(directory), instruments_(instruments), log_(std::move(log)) {}
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;
  ~Index();

  /// Takes over what others changed, and removes what a former boot left. True if a claim went, so that what waits for
  /// its devices should look again.
  Result<bool> refresh(base::FileLock& lock);

  /// Looks at every file again, whatever the directory's time says. As above.
  Result<bool> reread() { return read(false, true); }

  const Entries& entries() const { return entries_; }
  bool contains(std::string_view uid) const { return entries_.contains(uid); }
  const Entry* find(std::string_view uid) const;

  void put(const std::string& uid, Entry entry);
  void drop(std::string_view uid);

  /// The file of the claim that has this inode is known to be on the disk.
  void noteDurable(std::string_view uid, std::uint64_t inode);

  /// Writes into the lock file that something changes, and how many claims there are then: without `goes`, if that is
  /// one of them.
  Status countChange(base::FileLock& lock, std::string_view goes = {});

  /// The names in the directory were last changed by us.
  void noteModified();

  /// Who is in the way of preparing this.
  std::optional<Refusal> conflictOf(const Record& record) const;

  Losses& losses() { return losses_; }
  const Losses& losses() const { return losses_; }

 private:
  Result<bool> read(bool trustKnown, bool countUnchanged);
  Status readEntry(const std::string& uid, const cdi::SpecEntry& file);
  void noteLost(const Record& record);
  void noteEarlierLosses(const ChangeCount& last);

  const Scope scope_;
  const cdi::SpecDirectory& directory_;
  Instruments& instruments_;
  base::Logger log_;

  Entries entries_;
  /// Hardware to the UIDs of the claims that have some of it.
  std::multimap<std::string, std::string, std::less<>> holders_;
  Losses losses_;
  bool loaded_ = false;  ///< And nothing failed since then.
  bool everLoaded_ = false;
  std::string knownCounter_;
  std::int64_t knownModified_ = -1;
};

}  // namespace simgpu::claim
