// What the server's exit status means; documented in --help.
#ifndef VARSCOPE_SERVER_EXIT_CODES_H_
#define VARSCOPE_SERVER_EXIT_CODES_H_

namespace varscope::server {

inline constexpr int kExitClean = 0;
inline constexpr int kExitCannotServe = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCannotRecover = 3;
inline constexpr int kExitNotSaved = 4;

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_EXIT_CODES_H_
