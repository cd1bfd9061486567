// Looks at a data directory, without its server.
#ifndef VARSCOPE_CLIENT_CTL_VERIFY_H_
#define VARSCOPE_CLIENT_CTL_VERIFY_H_

#include <ostream>
#include <string>

namespace varscope::ctl {

// Prints what the directory holds and what is wrong with it. Returns the exit code: kExitOk when a
// server starts from it and all of it is whole, else kExitRefused. Progress goes to standard error.
int Verify(const std::string& directory, std::ostream& out);

}  // namespace varscope::ctl

#endif  // VARSCOPE_CLIENT_CTL_VERIFY_H_
