// SPDX-License-Identifier: Apache-2.0
#include "trainer/batch.h"

namespace bitwright {
namespace {

// HWC codes to CHW floats; row y of the result is row y + shift of the example, around the end.
void copy_example(std::span<const int16_t> codes, const Shape& shape, int64_t shift, float* out) {
  const int64_t positions = int64_t{shape.h} * shape.w, start = shift * shape.w;
  for (int64_t c = 0; c < shape.c; ++c) {
    const int16_t* channel = codes.data() + c;
    for (int64_t p = start; p < positions; ++p) *out++ = channel[p * shape.c];
    for (int64_t p = 0; p < start; ++p) *out++ = channel[p * shape.c];
  }
}

}  // namespace

void gather(const Dataset& data, std::span<const int64_t> examples, Rng* shift, Batch& batch) {
  const Shape& shape = data.front_end.output;
  const size_t elements = static_cast<size_t>(shape.elements());
  batch.codes.resize(examples.size() * elements);
  batch.labels.resize(examples.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    const int64_t rotation = shift ? static_cast<int64_t>(shift->below(shape.h)) : 0;
    copy_example(data.example(examples[i]), shape, rotation, batch.codes.data() + i * elements);
    batch.labels[i] = data.labels[examples[i]];
  }
}

}  // namespace bitwright
