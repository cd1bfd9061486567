#include "client/graph/scope_filter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "varscope/errors.h"

namespace varscope::internal {
namespace {

PCRE2_SPTR Bytes(const std::string& text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

std::string ErrorText(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

}  // namespace

struct ScopeFilter::Impl {
  const std::string pattern;
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_data, FreeMatch> match;
};

ScopeFilter::ScopeFilter(const std::string& pattern) : impl_(new Impl{pattern, {}, {}}) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  impl_->code.reset(pcre2_compile(Bytes(pattern), pattern.size(), PCRE2_ANCHORED, &error, &offset,
                                  /*ccontext=*/nullptr));
  if (impl_->code == nullptr) {
    throw ValueError(absl::StrCat("The scope '", pattern, "' is not a regular expression: ",
                                  ErrorText(error), " at position ", offset, "."));
  }
  impl_->match.reset(pcre2_match_data_create_from_pattern(impl_->code.get(), nullptr));
}

ScopeFilter::~ScopeFilter() = default;

bool ScopeFilter::Matches(const std::string& name) const {
  const int found = pcre2_match(impl_->code.get(), Bytes(name), name.size(), 0, 0,
                                impl_->match.get(), /*mcontext=*/nullptr);
  if (found >= 0) return true;
  if (found == PCRE2_ERROR_NOMATCH) return false;
  throw ValueError(absl::StrCat("The scope '", impl_->pattern, "' cannot be matched with '", name,
                                "': ", ErrorText(found), "."));
}

}  // namespace varscope::internal
