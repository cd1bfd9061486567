// tf.train.Saver: checkpoints that TensorFlow reads, and reads TensorFlow's.
#ifndef VARSCOPE_SAVER_H_
#define VARSCOPE_SAVER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "varscope/session.h"
#include "varscope/variables.h"

namespace varscope::train {

struct SaverOptions {
  // How many checkpoints of this Saver to keep: older ones are removed from the disk. 0: all.
  size_t max_to_keep = 5;
  // Also the slots of the variables that the program lists.
  bool with_slots = false;
};

// Saves and restores variables of the graph that is the default one when it is made, which it keeps
// alive. Thread-compatible; several Savers may be used at the same time.
//
// The constructors throw ValueError when there is nothing to save, and for an undefined variable.
//
// The end of a path is the format: ".safetensors", ".npz" (numpy.load), else a TensorFlow V2
// checkpoint, of which the path is the prefix. Names are the variables'; a partitioned variable is
// one tensor under its own name.
class Saver {
 public:
  // All variables that the default graph knows now, with all slots that they have in the store; as
  // TensorFlow's Saver().
  explicit Saver(SaverOptions options = {});
  // These, without slots unless the options say so. (A template, because GCC 12 takes the braces of
  // SaverOptions for a vector's.)
  template <std::same_as<std::vector<Variable>> T>
  explicit Saver(const T& var_list, SaverOptions options = {})
      : Saver(std::span<const Variable>(var_list), options) {}
  Saver(std::initializer_list<Variable> var_list, SaverOptions options = {})
      : Saver(std::span<const Variable>(var_list), options) {}
  // These, under other names in the checkpoint.
  explicit Saver(const std::map<std::string, Variable>& var_list, SaverOptions options = {});

  // Writes one consistent set of values, however many workers push meanwhile, and returns the path.
  // With `global_step` the path gets "-<step>" (before its ".safetensors" or ".npz"). A file takes
  // its name when it is complete and on stable storage. Writes the file "checkpoint" beside it,
  // which latest_checkpoint reads. `session` must be of the Saver's graph.
  //
  // Throws ValueError for another graph, FailedPreconditionError when a variable has no value yet,
  // an OpError when a file cannot be written (ResourceExhaustedError: the disk is full,
  // NotFoundError: there is no such folder; UnknownError where the format's library tells neither),
  // and what Session::run throws.
  std::string save(Session& session, const std::string& save_path,
                   std::optional<int64_t> global_step = {});

  // Assigns all in one push: all of it or nothing. Creates slots that do not exist yet, which stay.
  // A tensor has the variable's dtype, but float16 and bfloat16 also go into float32, integers of 8
  // and 16 bits into int32, and uint32 into int64. NaN and infinities are restored, too. Whoever
  // wants part of a checkpoint names it: Saver(var_list).
  //
  // Throws ValueError for a session of another graph; NotFoundError when there is no such
  // checkpoint, or "Key ... not found in checkpoint" for a variable (or a slot, when this graph has
  // its optimizer) that it does not have; InvalidArgumentError for another shape or dtype;
  // DataLossError when it is damaged; and what Session::run throws.
  void restore(Session& session, const std::string& save_path) const;

  // Returns the paths of the checkpoints that this Saver has written and kept, oldest first.
  std::vector<std::string> last_checkpoints() const { return {last_.begin(), last_.end()}; }

 private:
  Saver(std::span<const Variable> var_list, SaverOptions options);

  Graph graph_;
  std::map<std::string, Variable> variables_;  // by name in the checkpoint
  bool with_slots_;
  SaverOptions options_;
  std::deque<std::string> last_;
};

// Returns the path of the newest checkpoint that a Saver (or TensorFlow's) has noted in the file
// "checkpoint" of that folder; empty when none is noted. Does not look whether it is still there.
// Thread-safe. As tf.train.latest_checkpoint.
std::string latest_checkpoint(const std::string& checkpoint_dir);

}  // namespace varscope::train

#endif  // VARSCOPE_SAVER_H_
