/* cmsis_nn_peer.c: runs int8 layers by CMSIS-NN between the marks of the emulator's profile, and checks them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * layers.h holds the layers, one initialiser each. Ends with status 0 if every output is that of plain loops. */
#include <stdio.h>
#include <string.h>

#include "arm_nnfunctions.h"
#include "arm_nnsupportfunctions.h"

enum operation { CONV, DEPTHWISE, DENSE };
struct layer {
  enum operation operation;
  int32_t h, w, c, out_h, out_w, out_c, kernel_h, kernel_w, before_h, before_w;
};
static const struct layer layers[] = {
#include "layers.h"
};

#define MOST_ELEMENTS (32 * 1024)
#define MOST_WEIGHTS (128 * 1024)
#define MOST_CHANNELS 128
static int8_t input[MOST_ELEMENTS], output[MOST_ELEMENTS], weights[MOST_WEIGHTS];
static int32_t bias[MOST_CHANNELS], multiplier[MOST_CHANNELS], shift[MOST_CHANNELS];
static int32_t scratch[16 * 1024];

__attribute__((noinline)) void bw_mark_begin(void);
__attribute__((noinline)) void bw_mark_end(void);
void bw_mark_begin(void) {
  __asm__ volatile("nop" ::: "memory");
}
void bw_mark_end(void) {
  __asm__ volatile("nop\n nop" ::: "memory");
}

static uint32_t random_state = 1;
static uint32_t random_bits(void) {
  random_state = random_state * 1664525u + 1013904223u;
  return random_state >> 8;
}
static void fill(int8_t* codes, int32_t count) {
  for (int32_t i = 0; i < count; ++i) codes[i] = (int8_t)((int32_t)(random_bits() & 255u) - 128);
}

static int32_t products(const struct layer* l) {
  return l->operation == DEPTHWISE ? l->kernel_h * l->kernel_w : l->kernel_h * l->kernel_w * l->c;
}

/* One multiplier and shift for all channels: dense layers have no more. The typical sum fills int8. */
static void draw(const struct layer* l) {
  int32_t down = 0;
  while ((1 << (2 * down)) < products(l)) ++down;
  fill(input, l->h * l->w * l->c);
  fill(weights, l->out_c * products(l));
  for (int32_t o = 0; o < l->out_c; ++o) {
    bias[o] = (int32_t)(random_bits() & 1023u) - 512;
    multiplier[o] = 0x50000000;
    shift[o] = -6 - down;
  }
}

static arm_cmsis_nn_status run_conv(const struct layer* l) {
  const cmsis_nn_conv_params params = {0, 0, {1, 1}, {l->before_w, l->before_h}, {1, 1}, {-128, 127}};
  const cmsis_nn_per_channel_quant_params quant = {multiplier, shift};
  const cmsis_nn_dims in = {1, l->h, l->w, l->c}, filter = {l->out_c, l->kernel_h, l->kernel_w, l->c};
  const cmsis_nn_dims biases = {1, 1, 1, l->out_c}, out = {1, l->out_h, l->out_w, l->out_c};
  const cmsis_nn_context context = {scratch, arm_convolve_wrapper_s8_get_buffer_size(&params, &in, &filter, &out)};
  if (context.size > (int32_t)sizeof scratch) return ARM_CMSIS_NN_FAILURE;
  bw_mark_begin();
  const arm_cmsis_nn_status status =
      arm_convolve_wrapper_s8(&context, &params, &quant, &in, input, &filter, weights, &biases, bias, &out, output);
  bw_mark_end();
  return status;
}

static arm_cmsis_nn_status run_depthwise(const struct layer* l) {
  const cmsis_nn_dw_conv_params params = {0, 0, 1, {1, 1}, {l->before_w, l->before_h}, {1, 1}, {-128, 127}};
  const cmsis_nn_per_channel_quant_params quant = {multiplier, shift};
  const cmsis_nn_dims in = {1, l->h, l->w, l->c}, filter = {1, l->kernel_h, l->kernel_w, l->c};
  const cmsis_nn_dims biases = {1, 1, 1, l->c}, out = {1, l->out_h, l->out_w, l->c};
  const cmsis_nn_context context = {scratch,
                                    arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &in, &filter, &out)};
  if (context.size > (int32_t)sizeof scratch) return ARM_CMSIS_NN_FAILURE;
  bw_mark_begin();
  const arm_cmsis_nn_status status = arm_depthwise_conv_wrapper_s8(&context, &params, &quant, &in, input, &filter,
                                                                   weights, &biases, bias, &out, output);
  bw_mark_end();
  return status;
}

/* With MVE the kernel reads sums over the weights that are made before the first inference. */
static arm_cmsis_nn_status run_dense(const struct layer* l) {
  const cmsis_nn_fc_params params = {0, 0, 0, {-128, 127}};
  const cmsis_nn_per_tensor_quant_params quant = {multiplier[0], shift[0]};
  const cmsis_nn_dims in = {1, 1, 1, l->c}, filter = {l->c, 1, 1, l->out_c}, out = {1, 1, 1, l->out_c};
  const cmsis_nn_context context = {scratch, arm_fully_connected_s8_get_buffer_size(&filter)};
  if (context.size > (int32_t)sizeof scratch) return ARM_CMSIS_NN_FAILURE;
  if (context.size > 0) arm_vector_sum_s8(scratch, l->c, l->out_c, weights, 0, 0, bias);
  bw_mark_begin();
  const arm_cmsis_nn_status status =
      arm_fully_connected_s8(&context, &params, &quant, &in, input, &filter, weights, &out, bias, &out, output);
  bw_mark_end();
  return status;
}

static arm_cmsis_nn_status run(const struct layer* l) {
  switch (l->operation) {
    case CONV: return run_conv(l);
    case DEPTHWISE: return run_depthwise(l);
    case DENSE: return run_dense(l);
  }
  return ARM_CMSIS_NN_ARG_ERROR;
}

/* ---- the same in plain loops */

static int32_t product_at(const struct layer* l, int32_t y, int32_t x, int32_t o, int32_t ky, int32_t kx) {
  const int32_t iy = y + ky - l->before_h, ix = x + kx - l->before_w, tap = ky * l->kernel_w + kx;
  int32_t sum = 0;
  if (iy < 0 || iy >= l->h || ix < 0 || ix >= l->w) return 0;
  const int8_t* pixel = &input[(iy * l->w + ix) * l->c];
  if (l->operation == DEPTHWISE) return pixel[o] * weights[tap * l->c + o];
  for (int32_t i = 0; i < l->c; ++i) sum += pixel[i] * weights[o * products(l) + tap * l->c + i];
  return sum;
}

static int32_t expected_code(const struct layer* l, int32_t y, int32_t x, int32_t o) {
  int32_t sum = bias[o];
  for (int32_t ky = 0; ky < l->kernel_h; ++ky)
    for (int32_t kx = 0; kx < l->kernel_w; ++kx) sum += product_at(l, y, x, o, ky, kx);
  sum = arm_nn_requantize(sum, multiplier[o], shift[o]);
  return sum < -128 ? -128 : sum > 127 ? 127 : sum;
}

static int32_t differences(const struct layer* l) {
  int32_t different = 0;
  for (int32_t y = 0; y < l->out_h; ++y)
    for (int32_t x = 0; x < l->out_w; ++x)
      for (int32_t o = 0; o < l->out_c; ++o)
        different += output[(y * l->out_w + x) * l->out_c + o] != expected_code(l, y, x, o);
  return different;
}

int main(void) {
  int failed = 0;
  for (size_t i = 0; i < sizeof layers / sizeof layers[0]; ++i) {
    draw(&layers[i]);
    memset(output, 0, sizeof output);
    const int status = (int)run(&layers[i]);
    const int different = (int)differences(&layers[i]);
    if (status != 0 || different != 0) {
      printf("layer %d: status %d, %d outputs differ\n", (int)i, status, different);
      failed = 1;
    }
  }
  return failed;
}
