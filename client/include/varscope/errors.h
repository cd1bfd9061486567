// What the client throws. Programs that were written for TensorFlow catch the same names.
//
// Error
//   ValueError, TypeError, RuntimeError, LookupError   Python's: the program is wrong
//   OpError                                            tf.errors': a run, the server, a file
//     InvalidArgumentError, NotFoundError, and so on
//
// Beside these, std::bad_alloc is thrown where memory ends outside of an op's kernel, and
// std::invalid_argument by Tensor::Of. Errors are values: they own their texts. Thread-compatible.
#ifndef VARSCOPE_ERRORS_H_
#define VARSCOPE_ERRORS_H_

#include <stdexcept>
#include <string>
#include <utility>

namespace varscope {

// The base of all errors of varscope. what() returns the message, and below it the detail, if there
// is one.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string message, std::string detail = "")
      : std::runtime_error(detail.empty() ? message : message + "\n" + detail),
        message_(std::move(message)),
        detail_(std::move(detail)) {}

  // Returns what is wrong, in TensorFlow's words where TensorFlow has the same error.
  const std::string& message() const { return message_; }
  // Returns who created the objects that collide, and where; empty when nothing collides.
  const std::string& detail() const { return detail_; }

  // Appends `text` to the message, and so to what().
  void Add(const std::string& text) {
    message_ += text;
    std::runtime_error::operator=(Error(message_, detail_));
  }

 private:
  std::string message_;
  std::string detail_;
};

// An argument is wrong: it breaks the naming contract, a shape or dtype does not fit, a handle is
// not defined or belongs to another graph. Python's ValueError.
class ValueError : public Error {
  using Error::Error;
};

// A value of this type is not possible here. Python's TypeError.
class TypeError : public Error {
  using Error::Error;
};

// The call is not possible now: a scope was closed while a scope inside it was still open. Python's
// RuntimeError.
class RuntimeError : public Error {
  using Error::Error;
};

// A key or an index is in no table. Python's LookupError.
class LookupError : public Error {
  using Error::Error;
};

// The codes of tf.errors, of gRPC and of Abseil: the same numbers everywhere. 0, OK, is no error.
enum class ErrorCode {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// An error that happens when a graph runs, or that the server, the network or a file reports. What
// is thrown is always one of the classes below, one for each code.
class OpError : public Error {
 public:
  // Returns the code, which the class has, too.
  ErrorCode code() const { return code_; }

 protected:
  OpError(ErrorCode code, std::string message, std::string detail)
      : Error(std::move(message), std::move(detail)), code_(code) {}

 private:
  ErrorCode code_;
};

// The class of a code. Programs use the names below.
template <ErrorCode kCode>
class OpErrorOf : public OpError {
 public:
  explicit OpErrorOf(std::string message, std::string detail = "")
      : OpError(kCode, std::move(message), std::move(detail)) {}
};

// The call was cancelled before it was done.
using CancelledError = OpErrorOf<ErrorCode::kCancelled>;
// The cause has no code of its own.
using UnknownError = OpErrorOf<ErrorCode::kUnknown>;
// An op or the server refuses its input, whatever the state of the store is.
using InvalidArgumentError = OpErrorOf<ErrorCode::kInvalidArgument>;
// The time ran out; the message says what was awaited. What was asked may have been done.
using DeadlineExceededError = OpErrorOf<ErrorCode::kDeadlineExceeded>;
// There is no such variable, file or snapshot.
using NotFoundError = OpErrorOf<ErrorCode::kNotFound>;
// What was to be created exists.
using AlreadyExistsError = OpErrorOf<ErrorCode::kAlreadyExists>;
// The caller is known, but may not do this.
using PermissionDeniedError = OpErrorOf<ErrorCode::kPermissionDenied>;
// A limit of the server or of the machine is reached.
using ResourceExhaustedError = OpErrorOf<ErrorCode::kResourceExhausted>;
// The store is not in the state that the call needs: a variable has no value yet, for example.
using FailedPreconditionError = OpErrorOf<ErrorCode::kFailedPrecondition>;
// This worker's id connected again elsewhere, which fences off the earlier connection; the server
// was restarted with other groups; the store was rolled back to a snapshot; or there is another one
// at the server's address, as after a restart without a data directory. After all but the first the
// next run is well: after a rollback it continues from the snapshot, and nothing of the run that
// failed is in the store. Another store has the variables that its own workers have made.
using AbortedError = OpErrorOf<ErrorCode::kAborted>;
// The input has ended.
using OutOfRangeError = OpErrorOf<ErrorCode::kOutOfRange>;
// The server does not have this method or option.
using UnimplementedError = OpErrorOf<ErrorCode::kUnimplemented>;
// The server or the client broke its own rules: a bug.
using InternalError = OpErrorOf<ErrorCode::kInternal>;
// No server answers at this address, or the connection broke, until the time was over. What was
// asked may have been done.
using UnavailableError = OpErrorOf<ErrorCode::kUnavailable>;
// A file is damaged.
using DataLossError = OpErrorOf<ErrorCode::kDataLoss>;
// The server does not know who calls.
using UnauthenticatedError = OpErrorOf<ErrorCode::kUnauthenticated>;

}  // namespace varscope

#endif  // VARSCOPE_ERRORS_H_
