// trainer/convolution.h: direct convolution of small layers, forward and backward. Plain float32 on one thread; no
// torch type. As neural networks use the word, it is a correlation (Goodfellow et al., "Deep Learning", 2016, eq. 9.6):
//   out[n][o][y][x] = sum over c, i, j of weight[o][c][i][j] * in[n][c][y stride_h + i - top][x stride_w + j - left]
// where c runs over the input channels of o's group, and what lies outside the map reads `fill`.
//
// Method: each channel of some examples is copied into one row, border included, a row for each remainder of the
// position by the stride. Every tap of the kernel is then the row shifted, so that the inner loops run over whole rows
// whatever the map's size, and need no case for a border.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/geometry.h"

namespace bitwright {

struct ConvolutionShape {
  int64_t inputs = 1, h = 1, w = 1;           // channels and size of an input map
  int64_t outputs = 1, out_h = 1, out_w = 1;  // (out_h - 1) * stride_h + kernel_h <= top + h + bottom; w alike
  int64_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  int64_t top = 0, bottom = 0, left = 0, right = 0;  // border, positions
  int64_t groups = 1;                                // divides inputs and outputs; depthwise: inputs
  float fill = 0.0f;                                 // in the border

  int64_t in_elements() const { return inputs * h * w; }
  int64_t out_elements() const { return outputs * out_h * out_w; }
};
ConvolutionShape convolution_shape(const Convolution& convolution, const LayerShapes& shapes);

// Whether DirectConvolution is faster than oneDNN.
bool direct_convolution_pays(const ConvolutionShape& shape);

// Holds the rows, about kBytesAtOnce of them, which no call allocates anew. All pointers are to contiguous float32; the
// same machine always adds in the same order.
class DirectConvolution {
 public:
  // Where every stride-th value from `map` on of a map lies in its channel's row.
  struct Run {
    int64_t map, row, count, stride;
    bool continues(const Run& next) const { return stride == 1 && next.map == map + count && next.row == row + count; }
  };

  explicit DirectConvolution(const ConvolutionShape& shape);
  const ConvolutionShape& shape() const { return shape_; }

  // in: n x inputs x h x w; weights: outputs x (inputs / groups) x kernel_h x kernel_w; out: n x outputs x out_h x
  // out_w.
  void forward(int64_t n, const float* in, const float* weights, float* out);
  // grad_in and grad_weights are set; grad_in may be null. The border gets no gradient.
  void backward(int64_t n, const float* in, const float* weights, const float* grad_out, float* grad_in,
                float* grad_weights);

 private:
  // The taps that read positions of one remainder by the strides, and where they lie in the gradient's rows.
  struct Phase {
    std::vector<int64_t> taps, offsets;
  };

  int64_t shift(int64_t tap) const;
  int64_t phase(int64_t tap) const;
  int64_t group_inputs() const { return shape_.inputs / shape_.groups; }
  int64_t group_outputs() const { return shape_.outputs / shape_.groups; }
  int64_t kernel_size() const { return shape_.kernel_h * shape_.kernel_w; }
  float* grad_rows() { return grad_rows_.data() + margin_; }
  void set_offsets();
  void set_runs();
  void read_input(int64_t n, const float* in);
  void read_gradient(int64_t n, const float* grad_out);
  void write_output(int64_t n, float* out) const;
  void write_input_gradient(int64_t n, float* grad_in) const;
  void order_weights_for_outputs(const float* weights);
  void order_weights_for_inputs(const float* weights);
  void add_weight_gradient(int64_t n, float* grad_weights);
  void correlate_gradient(int64_t n);

  ConvolutionShape shape_;
  int64_t phases_;                // stride_h * stride_w
  int64_t row_w_, example_;       // of a line and of an example in a row
  int64_t margin_;                // of zeros before a row of the gradient
  int64_t at_once_;               // examples
  int64_t row_;                   // floats from row to row
  std::vector<int64_t> offsets_;  // of the taps of all input channels of a group in the input's rows
  std::vector<Phase> backward_phases_;
  std::vector<Run> in_runs_, out_runs_;  // of a map
  std::vector<float> in_rows_, grad_rows_, result_rows_, weights_;
};

}  // namespace bitwright
