#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simgpu/base/clock.h"
#include "simgpu/base/files.h"
#include "simgpu/base/log.h"
#include "simgpu/base/result.h"
#include "simgpu/cdi/spec_directory.h"
#include "simgpu/claim/index.h"
#include "simgpu/claim/instruments.h"
#include "simgpu/claim/metadata_directory.h"
#include "simgpu/claim/record.h"
#include "simgpu/device/inventory.h"

namespace simgpu::claim {

/// Which claims are prepared on this node: the CDI directory, with an index in memory.
///
/// The directory is the truth. Every operation takes the lock that all processes of a driver share on a node (the Go
/// helper's `serialize.lock`; held for microseconds) and reads anew whatever somebody else changed meanwhile. The lock
/// file holds a commit counter, because a file system's clock may be too coarse to show two changes, and beside it how
/// many claims were prepared then, which shows that specs were deleted, but not whose. A lock that nobody
/// gives back for ten seconds is unavailable, naming it. Safe to use from
/// several threads and processes.
class Store {
 public:
  struct Options {
    SpecNaming naming;
    std::filesystem::path cdiRoot;
    std::filesystem::path lockFile;
    std::string bootId;                            ///< Of the running kernel: what another boot prepared holds nothing.
    std::filesystem::path metadataDirectory = {};  ///< Where metadata files are, those of earlier runs, too.
    bool deviceMetadata = false;                   ///< Whether claims that are prepared from now on get some.
    /// What the devices are made of, so that nothing of it is handed out twice; outlives the store. Null: devices are
    /// only told apart by their names.
    const device::Inventory* inventory = nullptr;
  };

  /// Reads the directory, and removes from it what a former boot left; from the directory of metadata files, too, and
  /// what is left there of claims that are not prepared. Old temporary files of killed processes go as well.
  static Result<std::unique_ptr<Store>> open(Options options, base::Files& files, base::Clock& clock,
                                             Instruments& instruments, base::Logger log);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// A Prepare that is under way: an Unprepare of its claim from now on makes its commit fail.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept
        : store_(std::exchange(other.store_, nullptr)), uid_(std::move(other.uid_)), began_(other.began_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();

   private:
    friend class Store;
    Ticket(Store& store, std::string uid, std::uint64_t began) : store_(&store), uid_(std::move(uid)), began_(began) {}

    Store* store_;
    std::string uid_;
    std::uint64_t began_;
  };
  Ticket begin(std::string_view uid);

  /// The record of a claim, durable. Empty if it is not prepared.
  Result<std::optional<Record>> find(std::string_view uid);

  /// Every record, in the order of their UIDs.
  Result<std::vector<Record>> records();

  using Holder = Index::Holder;
  using Refusal = Index::Refusal;  ///< Why a commit did not happen.

  /// What a commit came to, if the claim is prepared as the record says.
  enum class Outcome {
    written,   ///< A spec was written.
    repaired,  ///< As well, in the place of one that nobody could read.
    already,   ///< It was prepared like that before; nothing was written.
  };

  /// Writes the spec of a claim, and before it the metadata that it mounts, unless both are there as they should be, or
  /// a later release prepared the same devices; when this succeeds, the claim is prepared, whatever happens next.
  /// Refused if another claim holds one of the devices or too much of what they are made of, if the claim was
  /// unprepared since the ticket began, or if `cancelled()`.
  std::expected<Outcome, Refusal> commit(const Ticket& ticket, const Record& record,
                                         const std::function<bool()>& cancelled);

  /// Who would make a commit of this record fail now.
  Result<std::optional<Holder>> findHolder(const Record& record);

  /// Removes the spec of a claim, whoever wrote it, then its metadata. False if there was no spec, which is just as
  /// well.
  Result<bool> remove(std::string_view uid);

  /// Reads what changed in the directory. Whatever is asked of the store does that, too.
  Status look();

  /// The claims whose specs somebody deleted without the store, since this process looked for the first time. A claim
  /// is one of them until it is prepared again, unprepared or settled. None while another process of the driver changes
  /// claims: that one knows better which of them it unprepared.
  std::vector<ClaimRef> lost() const;

  /// Whether there were more specs in this boot, at the last change that was counted, than this process found. Which
  /// claims these were, nobody knows here. False from `settleEarlier` on.
  bool hasLostEarlier() const;

  /// Begins to prepare a lost claim again. Empty if it is none, and if it was unprepared since it was lost: what the
  /// kubelet gave up must not come back.
  std::optional<Ticket> beginRestore(std::string_view uid);

  /// Nothing is to be restored of this claim.
  void settle(std::string_view uid);

  /// These are what was lost before this process started, and from now on lost like others, except those that were
  /// prepared or unprepared meanwhile.
  void settleEarlier(const std::vector<ClaimRef>& claims);

  /// Grows with each removal in this process.
  std::uint64_t removals() const;

  /// Waits until `removals()` is no longer `seen`, or until then.
  void awaitRemoval(std::uint64_t seen, base::Clock::TimePoint until);

  /// Removes what others left behind: temporary files of killed processes, once they are too old to be in use, metadata
  /// of claims that are not prepared, and the file that all claims of the reference driver share, once none of them is
  /// prepared any more. False if that one must stay.
  Result<bool> cleanUp();

  const Options& options() const { return options_; }

 private:
  struct InFlight {
    int tickets = 0;
    std::uint64_t lastRemoval = 0;
  };
  class Access;
  struct Staged;

  Store(Options options, cdi::SpecDirectory directory, base::Files& files, base::Clock& clock, Instruments& instruments,
        base::Logger log);

  Ticket beginLocked(std::string_view uid);
  bool isKnown(std::string_view uid) const;
  Result<Staged> stage(const Record& record) const;

  /// With the locks; null if the claim is not prepared.
  Result<const Index::Entry*> current(std::string_view uid);

  /// The answer to a commit that has nothing to write; lets go of the locks then. `mountable` is whether the metadata
  /// of the record is there.
  std::optional<std::expected<Outcome, Refusal>> answerPrepared(Access& access, const Record& record, bool mountable);
  std::optional<Refusal> refusalOf(const Ticket& ticket, const Record& record,
                                   const std::function<bool()>& cancelled) const;

  /// Gives names to what was staged; answers the inode of the spec.
  Result<std::uint64_t> write(Access& access, Staged staged, const Record& record);
  Status noteWhatWent(const Result<bool>& refreshed);
  void countSettled(Access& access);
  Status removeTemporaries() const;
  Status removeStrayMetadata() const;
  Status makeDurable(const std::string& uid, std::uint64_t inode);

  const Options options_;
  const cdi::SpecDirectory directory_;
  const MetadataDirectory metadata_;
  base::Files& files_;
  base::Clock& clock_;
  Instruments& instruments_;
  base::Logger log_;

  mutable std::mutex
      mutex_;  ///< Taken before the file lock, so that threads of one process do not queue in the kernel.
  Index index_;
  std::map<std::string, InFlight, std::less<>> inFlight_;
  std::uint64_t epoch_ = 0;  ///< Orders tickets and removals.
  std::uint64_t removals_ = 0;
  std::condition_variable_any removed_;
};

}  // namespace simgpu::claim
