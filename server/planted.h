// Faults that are planted on purpose, to show that tests/faults catches them. Only builds with
// VARSCOPE_PLANTED_FAULTS have them; there the environment variable VARSCOPE_PLANT names one.
#ifndef VARSCOPE_SERVER_PLANTED_H_
#define VARSCOPE_SERVER_PLANTED_H_

#ifdef VARSCOPE_PLANTED_FAULTS
#include <cstdlib>
#include <cstring>
#endif

namespace varscope::server {

enum class Plant {
  kSkipFsync,              // the log is not forced to the medium
  kAckEarly,               // a worker is told before its push is on the medium
  kForgetAnswer,           // the ledger does not note an applied push
  kSnapshotWithoutLedger,  // a snapshot has no ledger
  kTornSnapshot,           // pushes go on in the middle of a snapshot's cut
  kSnapshotWithoutSlots,   // a snapshot has zeros for slots
  kSnapshotAhead,          // a snapshot claims a change that it does not have
  kHalfPush,               // the last update of a push is not made
  kIgnoreFence,            // an incarnation that is over may go on
  kIgnoreDeath,            // groups and barriers are not told of the dead
};

#ifdef VARSCOPE_PLANTED_FAULTS
inline bool Planted(Plant plant) {
  static constexpr const char* kNames[] = {"skip-fsync",     "ack-early",
                                           "forget-answer",  "snapshot-without-ledger",
                                           "torn-snapshot",  "snapshot-without-slots",
                                           "snapshot-ahead", "half-push",
                                           "ignore-fence",   "ignore-death"};
  static const char* const planted = std::getenv("VARSCOPE_PLANT");
  return planted != nullptr && std::strcmp(planted, kNames[static_cast<int>(plant)]) == 0;
}
#else
constexpr bool Planted(Plant /*plant*/) { return false; }
#endif

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_PLANTED_H_
