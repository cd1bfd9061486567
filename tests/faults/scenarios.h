// What can be done to a server and its workers. Each prints what it did and found, or throws
// Broken.
#ifndef VARSCOPE_TESTS_FAULTS_SCENARIOS_H_
#define VARSCOPE_TESTS_FAULTS_SCENARIOS_H_

#include <cstdint>
#include <string>

#include "tests/faults/harness.h"

namespace varscope::testing {

struct Settings {
  int cycles = 20;  // faults
  int minutes = 0;
  uint64_t seed = 1;
  int workers = 3;
};

void KillServer(const Settings& settings, const Mode& mode, const std::string& durability);
void CutConnections(const Settings& settings, const Mode& mode);
void StopServer(const Settings& settings, const Mode& mode);
void KillWorkers(const Settings& settings, const Mode& mode);
void PauseWorkers(const Settings& settings, const Mode& mode);
void KillOneOfMany(const Settings& settings);
void WakeTheDead(const Settings& settings);

void FillDisk(const Settings& settings);
void FailSync(const Settings& settings);
void LosePowerAgainAndAgain(const Settings& settings);

void TakeSnapshots(const Settings& settings);

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_FAULTS_SCENARIOS_H_
