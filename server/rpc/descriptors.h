// How many files and connections the process may have open.
#ifndef VARSCOPE_SERVER_RPC_DESCRIPTORS_H_
#define VARSCOPE_SERVER_RPC_DESCRIPTORS_H_

namespace varscope::server {

// As many as the system lets this process have.
void RaiseDescriptorLimit();

// Connections get descriptors below this one only: those above it, an eighth of all but at most 64,
// are for what the server itself opens, such as the next segment of its log. (A new descriptor is
// always the lowest that is free.)
int ConnectionDescriptorLimit();

}  // namespace varscope::server

#endif  // VARSCOPE_SERVER_RPC_DESCRIPTORS_H_
