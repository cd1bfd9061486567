// Whether this process runs under a sanitizer, whose own memory and time come on top. Asked when it
// runs: tests are compiled once for builds with AddressSanitizer and without.
#ifndef VARSCOPE_TESTS_SUPPORT_SANITIZER_H_
#define VARSCOPE_TESTS_SUPPORT_SANITIZER_H_

// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizers' own names.
extern "C" {
[[gnu::weak]] void __asan_init();
[[gnu::weak]] void __tsan_init();
}

namespace varscope::testing {

inline bool IsSanitized() {
  // Through variables: GCC takes the address of any function for one that is there.
  void (*volatile const address)() = __asan_init;
  void (*volatile const thread)() = __tsan_init;
  return address != nullptr || thread != nullptr;
}
// NOLINTEND(bugprone-reserved-identifier)

}  // namespace varscope::testing

#endif  // VARSCOPE_TESTS_SUPPORT_SANITIZER_H_
