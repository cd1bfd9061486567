// Failpoints: faults on purpose, to show that tests/faults and tests/simulation catch them. Only
// builds with VARSCOPE_FAILPOINTS have them; there the environment variable VARSCOPE_FAILPOINT
// names the one that is on.
#ifndef VARSCOPE_SERVER_FAILPOINT_H_
#define VARSCOPE_SERVER_FAILPOINT_H_

#ifdef VARSCOPE_FAILPOINTS
#include <cstdlib>
#include <cstring>
#endif

namespace varscope::server {

enum class Failpoint {
  kSkipFsync,                         // the log is not forced to stable storage
  kAckEarly,                          // a push is acknowledged before it is on stable storage
  kDropAnswer,                        // the completion record of a push is not written
  kSnapshotWithoutCompletionRecords,  // a snapshot has no completion records
  kTornSnapshot,                      // pushes go on while a snapshot is captured
  kSnapshotWithoutSlots,              // a snapshot has zeros for slots
  kSnapshotAhead,                     // a snapshot claims a change that it does not have
  kHalfPush,                          // the last update of a push is not made
  kIgnoreFence,                       // an incarnation that is over may go on
  kIgnoreDeath,                       // groups and barriers are not notified of lost workers
  kReplayJudges,                      // what was taken is held to the limits of now
  kKeepFailedSegments,                // what a failed write left in later segments stays there
  kSyncAgain,                         // a sync that failed is tried again on the same file
  kFenceFirst,                        // a rollback that fails has ended all workers
  kFailedRollbackStays,               // so has its snapshot its place
  kBarrierCountsTwice,                // an arrival that is sent again arrives at the next round
};

#ifdef VARSCOPE_FAILPOINTS
inline bool FailpointIsOn(Failpoint failpoint) {
  static constexpr const char* kNames[] = {"skip-fsync",
                                           "ack-early",
                                           "drop-answer",
                                           "snapshot-without-completion-records",
                                           "torn-snapshot",
                                           "snapshot-without-slots",
                                           "snapshot-ahead",
                                           "half-push",
                                           "ignore-fence",
                                           "ignore-death",
                                           "replay-judges",
                                           "keep-failed-segments",
                                           "sync-again",
                                           "fence-first",
                                           "failed-rollback-stays",
                                           "barrier-counts-twice"};
  static const char* const active = std::getenv("VARSCOPE_FAILPOINT");
  return active != nullptr && std::strcmp(active, kNames[static_cast<int>(failpoint)]) == 0;
}
#else
constexpr bool FailpointIsOn(Failpoint /*failpoint*/) { return false; }
#endif

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_FAILPOINT_H_
