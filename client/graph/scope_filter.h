// Which names a collection's `scope` keeps: those that match it as a regular expression from their
// beginning on, as TensorFlow's (Python's re.match).
#ifndef VARSCOPE_CLIENT_GRAPH_SCOPE_FILTER_H_
#define VARSCOPE_CLIENT_GRAPH_SCOPE_FILTER_H_

#include <memory>
#include <string>

namespace varscope::internal {

class ScopeFilter {
 public:
  // ValueError for what is no regular expression.
  explicit ScopeFilter(const std::string& pattern);
  ~ScopeFilter();
  ScopeFilter(const ScopeFilter&) = delete;
  ScopeFilter& operator=(const ScopeFilter&) = delete;

  // ValueError when it takes too long to tell.
  bool Matches(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_GRAPH_SCOPE_FILTER_H_
