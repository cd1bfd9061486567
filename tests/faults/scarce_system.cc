// A library to preload into a server, whose system then lacks what it is told.
//
// The directory $VARSCOPE_TEST_SCARCE may hold a file for each of these calls: while "threads"
// exists, pthread_create fails with EAGAIN; while "accept" exists, accept4 fails with the errno
// that the file holds, as a number. A call that failed so leaves "threads.failed", or
// "accept.failed", there: who does not find it knows that the server makes another call.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::string PathOf(const char* what) {
  const char* const directory = std::getenv("VARSCOPE_TEST_SCARCE");
  return std::string(directory == nullptr ? "/nowhere" : directory) + "/" + what;
}

// What the file holds; 0 without it.
int ErrorOf(const char* what) {
  FILE* const file = std::fopen(PathOf(what).c_str(), "r");
  if (file == nullptr) return 0;
  int error = 0;
  if (std::fscanf(file, "%d", &error) != 1) error = 0;
  std::fclose(file);
  return error;
}

void NoteFailure(const char* what) {
  FILE* const file = std::fopen((PathOf(what) + ".failed").c_str(), "w");
  if (file != nullptr) std::fclose(file);
}

template <typename Function>
Function Next(const char* name, Function) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) noexcept {
  if (access(PathOf("threads").c_str(), F_OK) == 0) {
    NoteFailure("threads");
    return EAGAIN;
  }
  return Next("pthread_create", pthread_create)(thread, attributes, run, argument);
}

extern "C" int accept4(int socket, sockaddr* address, socklen_t* size, int flags) {
  if (const int error = ErrorOf("accept"); error != 0) {
    NoteFailure("accept");
    errno = error;
    return -1;
  }
  return Next("accept4", accept4)(socket, address, size, flags);
}
