// oneDNN on the calling thread alone.
#ifndef VARSCOPE_CLIENT_KERNELS_ONE_THREAD_H_
#define VARSCOPE_CLIENT_KERNELS_ONE_THREAD_H_

// OpenMP's, of which oneDNN's Debian package is built: how many threads what the calling thread
// runs may take. Declared here because not every compiler has omp.h.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int);

namespace varscope::internal {

// While it lives, oneDNN computes on the calling thread alone: the device's threads are the only
// ones that compute, and no team of OpenMP is ever made. What oneDNN plans meanwhile is for one
// thread.
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  const int before_ = omp_get_max_threads();
};

}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_ONE_THREAD_H_
