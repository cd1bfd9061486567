// Kernels of ops whose shapes depend on values, and of ops that pick and place elements; as
// kernels.h.
#ifndef VARSCOPE_CLIENT_KERNELS_INDEXING_H_
#define VARSCOPE_CLIENT_KERNELS_INDEXING_H_

#include "client/kernels/context.h"

namespace varscope::internal {

namespace kernels {

// (x): its dimensions, the number of its elements, of its dimensions.
absl::Status ShapeOf(KernelContext&);
absl::Status SizeOfTensor(KernelContext&);
absl::Status RankOf(KernelContext&);
// (dims, value).
absl::Status FillWith(KernelContext&);
// (start, limit, delta).
absl::Status Range(KernelContext&);
// (x, shape).
absl::Status BroadcastTo(KernelContext&);
// (x, multiples), (dy, multiples, like).
absl::Status TileBy(KernelContext&);
absl::Status TileByGrad(KernelContext&);
// (x, begin, end, strides), (dy, begin, end, strides, like).
absl::Status StridedSlice(KernelContext&);
absl::Status StridedSliceGrad(KernelContext&);
absl::Status Where(KernelContext&);
absl::Status Unique(KernelContext&);
// (params, indices), (indices, updates, shape).
absl::Status GatherNd(KernelContext&);
absl::Status ScatterNd(KernelContext&);
absl::Status Reverse(KernelContext&);
absl::Status ReverseSequence(KernelContext&);
absl::Status TopK(KernelContext&);
absl::Status ArgSort(KernelContext&);
absl::Status InTopK(KernelContext&);
absl::Status SearchSorted(KernelContext&);
absl::Status ListDiff(KernelContext&);
// (x, places), (values, places, like): elements of the last dimension.
absl::Status TakeLast(KernelContext&);
absl::Status PutLast(KernelContext&);
// (x, ids, count).
absl::Status SegmentSum(KernelContext&);

}  // namespace kernels
}  // namespace varscope::internal

#endif  // VARSCOPE_CLIENT_KERNELS_INDEXING_H_
