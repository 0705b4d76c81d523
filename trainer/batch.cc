// SPDX-License-Identifier: Apache-2.0
#include "trainer/batch.h"

namespace bitwright {
namespace {

// HWC codes to CHW floats; row y of the result is row y + shift of the example, around the end.
void copy_example(std::span<const int16_t> codes, const Shape& shape, int shift, float* out) {
  for (int c = 0; c < shape.c; ++c)
    for (int y = 0; y < shape.h; ++y) {
      const size_t row = static_cast<size_t>((y + shift) % shape.h) * shape.w;
      for (int x = 0; x < shape.w; ++x) *out++ = codes[(row + x) * shape.c + c];
    }
}

}  // namespace

void gather(const Dataset& data, std::span<const int64_t> examples, Rng* shift, Batch& batch) {
  const Shape& shape = data.front_end.output;
  const size_t elements = static_cast<size_t>(shape.elements());
  batch.codes.resize(examples.size() * elements);
  batch.labels.resize(examples.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    const int rotation = shift ? static_cast<int>(shift->below(shape.h)) : 0;
    copy_example(data.example(examples[i]), shape, rotation, batch.codes.data() + i * elements);
    batch.labels[i] = data.labels[examples[i]];
  }
}

}  // namespace bitwright
