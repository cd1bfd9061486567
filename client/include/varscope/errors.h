// What the client throws. Programs written for TensorFlow catch the same names.
#ifndef VARSCOPE_ERRORS_H_
#define VARSCOPE_ERRORS_H_

#include <stdexcept>
#include <string>
#include <utility>

namespace varscope {

// what() is the message, followed by the detail on lines of its own when there is one.
class Error : public std::runtime_error {
 public:
  explicit Error(std::string message, std::string detail = "")
      : std::runtime_error(detail.empty() ? message : message + "\n" + detail),
        message_(std::move(message)),
        detail_(std::move(detail)) {}

  // One text, TensorFlow's where TensorFlow has one.
  const std::string& message() const { return message_; }
  // Who defined what collided, and where; empty when nothing did.
  const std::string& detail() const { return detail_; }

  // Goes on with the message.
  void Add(const std::string& text) {
    message_ += text;
    std::runtime_error::operator=(Error(message_, detail_));
  }

 private:
  std::string message_;
  std::string detail_;
};

// A wrong argument: a breach of the naming contract, shapes or dtypes that do not fit.
class ValueError : public Error {
  using Error::Error;
};
class TypeError : public Error {
  using Error::Error;
};
// Scopes closed in another order than opened, or objects of two graphs mixed.
class RuntimeError : public Error {
  using Error::Error;
};

// An error that the server or the network reports; the classes below tell which.
class OpError : public Error {
  using Error::Error;
};
class InvalidArgumentError : public OpError {
  using OpError::OpError;
};
class NotFoundError : public OpError {
  using OpError::OpError;
};
class FailedPreconditionError : public OpError {
  using OpError::OpError;
};
class ResourceExhaustedError : public OpError {
  using OpError::OpError;
};
// A file that is not what it should be.
class DataLossError : public OpError {
  using OpError::OpError;
};
class DeadlineExceededError : public OpError {
  using OpError::OpError;
};
class UnavailableError : public OpError {
  using OpError::OpError;
};
// This worker's id connected again elsewhere, and its earlier life is fenced off; or the store was
// rolled back to a snapshot, and what this run computed was not applied: the next run starts from
// there.
class AbortedError : public OpError {
  using OpError::OpError;
};

}  // namespace varscope

#endif  // VARSCOPE_ERRORS_H_
