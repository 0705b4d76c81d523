/* bw_kernels.h: the kernels of Bitwright's C packages. SPDX-License-Identifier: Apache-2.0
 *
 * C99, little-endian cores, no allocation, no state. A tensor is a run of 32-bit words: element i, in HWC order, lies
 * in bits [i * b, (i + 1) * b), least significant bit first; unused bits of the last word are 0. Weights lie the same
 * way, output channel first: [out][kernel_h][kernel_w][in], or in rows of whole words as a kernel's header says. Every
 * map is batch 1. A signal of n samples is a map of one row.
 */
#ifndef BW_KERNELS_H
#define BW_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A word of the arena. The application reads and writes the same bytes as int8_t, int16_t or float. */
#if defined(__GNUC__)
typedef uint32_t __attribute__((__may_alias__)) bw_word;
#else
typedef uint32_t bw_word;
#endif

/* How a field of bits is read as a number. */
enum {
    BW_BINARY = 0,   /* bit 1 is +1, bit 0 is -1 */
    BW_SIGNED = 1,   /* two's complement */
    BW_UNSIGNED = 2,
    BW_FLOAT = 3     /* IEEE 754 single precision */
};

/* One layer. Dense is a convolution over a 1x1 map; pooling by sums has no weights; an add is a 1x1 window; the kernel
 * of an upsampling is the block that a pixel becomes. */
typedef struct {
    uint32_t in_c, out_c;
    uint16_t in_h, in_w;
    uint16_t kernel_h, kernel_w, stride_h, stride_w;
    uint16_t pad_top, pad_left;                             /* rows above and columns left of the map */
    uint16_t pool_h, pool_w, pool_stride_h, pool_stride_w;  /* max-pooling of the accumulators; 1 if none */
    uint16_t out_h, out_w;
    uint8_t in_bits, in_kind;
    uint8_t weight_bits, weight_kind;                       /* of an add: its second input */
    int8_t pad_code;                                        /* outside the map: 0 skips the tap, else -1 or +1 */
    uint8_t shift_from, shift_with;                         /* of an add: left shifts of its two inputs */
    uint8_t skip;                                           /* columns before the first window; then pad_left is 0 */
    const uint32_t *weights;
} bw_layer;

/* How an integer accumulator becomes an output code. */
enum {
    BW_RAW = 0,       /* acc + table[c]; table may be NULL */
    BW_THRESHOLD = 1, /* low + how many of the channel's `levels` thresholds acc reaches, acc >= t */
    BW_REQUANTIZE = 2 /* (acc * table[c] + offset[c]) >> shift[c], floor, clamped to [low, high] */
};
typedef struct {
    uint8_t kind;
    uint8_t bits;          /* of an output code */
    uint8_t levels;        /* thresholds per channel */
    uint8_t reserved;
    int16_t low, high;     /* smallest and largest output code */
    const int32_t *table;  /* bias, multipliers, or thresholds [channel][level] if they need 32 bits */
    const int16_t *narrow; /* thresholds [channel][level] in 16 bits, or NULL */
    const uint32_t *extra; /* bit c: channel c counts the thresholds that acc does not reach; or the offsets' words */
    const uint8_t *shift;
} bw_epilogue;

/* How an accumulator becomes a float, or by way of a float an output code: y = acc * scale[c] + offset[c]. */
typedef struct {
    uint8_t kind, bits;  /* of the output: BW_FLOAT, or an integer kind and its bits */
    uint8_t relu;
    uint8_t reserved;
    int16_t low, high;   /* integer outputs: smallest and largest code */
    float inverse_step;  /* integer outputs: codes per unit of y */
    const float *scale, *offset;
} bw_float_epilogue;

/* A binary convolution with polynomials as weights, bw_conv2d_poly.h; its output is binary. */
typedef struct {
    uint16_t channels;          /* in_c rounded up to a multiple of 8 */
    uint8_t tile;               /* blocks a tile: even, 2..32 */
    uint8_t reserved;
    const int16_t *reach;       /* [out_c rounded up to 2]: a channel's threshold plus the sum of its weights */
    const int16_t *tap_sums;    /* [out_c rounded up to 2][kernel_h][kernel_w]: sums over channels; NULL unless the border is skipped */
    const uint32_t *complement; /* bit c: channel c's weights are complemented */
    const uint32_t *descending; /* bit c: channel c's output is inverted; NULL if none is */
} bw_poly;
void bw_conv2d_a1w1_poly5(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out, bw_word *scratch);
void bw_conv2d_a1w1_poly4(const bw_layer *layer, const bw_poly *poly, const bw_word *in, bw_word *out, bw_word *scratch);

/* A convolution of 2-bit codes with polynomials as weights, bw_conv2d_poly2.h; its outputs have 2 bits. */
typedef struct {
    uint16_t channels;          /* in_c rounded up to a multiple of 8 */
    uint8_t tile;               /* blocks a tile: even, 2..32 */
    int8_t low;                 /* the smallest output code: 0, -1 (ternary) or -2 */
    const uint16_t *reach;      /* [out_c rounded up to 2][4]: for each of three thresholds, what a slot lacks to overflow
                                 * where it is reached; three times the negative weights */
    const uint32_t *start;      /* [out_c rounded up to 2][2]: what sums start from, low and high word */
    const uint32_t *descending; /* two bits a channel: 3 where it counts the thresholds that are not reached */
} bw_poly2;
void bw_conv2d_a2w4_poly4(const bw_layer *layer, const bw_poly2 *poly, const bw_word *in, bw_word *out, bw_word *scratch);
void bw_conv2d_a2w4_poly3(const bw_layer *layer, const bw_poly2 *poly, const bw_word *in, bw_word *out, bw_word *scratch);

/* A binary convolution that counts 32 channels at once, bw_conv2d_sliced.h; its output is binary. */
typedef struct {
    uint8_t tile;             /* outputs whose input columns are expanded at a time */
    uint8_t planes;           /* counters, at least 9, the last for where thresholds are not reached */
    uint8_t whole_h, whole_w; /* rows before the map that a window can have, and columns */
    uint16_t triples;         /* in_c / 3, rounded up */
    uint16_t cuts_w;          /* ways in which columns of a window can lie outside, and inside */
    const uint32_t *start;    /* [cuts of rows][cuts of columns][groups of 32 channels][planes] */
    const uint32_t *flip;     /* [groups]: bit c: channel c's output is the inverse of "not reached" */
} bw_sliced;
void bw_conv2d_a1w1_sliced(const bw_layer *layer, const bw_sliced *sliced, const bw_word *in, bw_word *out,
                           bw_word *scratch);

/* a1: binary inputs; at: ternary ones; a8, a16: codes of up to 8, 16 bits; ax: any;
 * w likewise for weights. conv2d gathers a window, or two at once, and computes all its channels in scratch memory;
 * dense has one window. axwx needs no scratch memory. */
void bw_conv2d_a1w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_a1wt(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_atw1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_atwt(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_a8w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_a16w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch);
void bw_conv2d_a16w2(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch);
void bw_conv2d_a16w4(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch);
void bw_conv2d_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                     bw_word *scratch);
void bw_conv2d_a16w8_few(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                         bw_word *scratch); /* its epilogue has no thresholds: they lie with the weights */
void bw_dense_a16w2(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_dense_a16w4(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_dense_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch);
void bw_conv2d_axwx(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out);
/* acc[o] += the sums of `count` codes of a dense layer's input from code `start` on, a multiple of 32. */
void bw_part_a8w1(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                  bw_word *scratch);
void bw_part_a16w1(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                   bw_word *scratch);
void bw_part_a16w2(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                   bw_word *scratch);
void bw_part_a16w4(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                   bw_word *scratch);
void bw_part_a16w8(const bw_layer *layer, const bw_word *in, uint32_t start, uint32_t count, int32_t *acc,
                   bw_word *scratch);
void bw_depthwise_a1w1(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                       bw_word *scratch);
void bw_depthwise_a8w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                       bw_word *scratch);
void bw_depthwise_a16w8(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                        bw_word *scratch);
void bw_depthwise_axwx(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_sum_pool(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out,
                 bw_word *scratch);
void bw_add(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, const bw_word *with, bw_word *out,
            bw_word *scratch);
void bw_log_variance(const bw_layer *layer, const bw_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_max_pool(const bw_layer *layer, const bw_word *in, bw_word *out);
void bw_upsample(const bw_layer *layer, const bw_word *in, bw_word *out); /* of any kind, floats too */

/* Integer accumulators, float32 output. */
void bw_conv2d_a1w1_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_a1wt_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_atw1_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_atwt_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_a8w1_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_a16w1_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                            bw_word *scratch);
void bw_conv2d_a16w2_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                            bw_word *scratch);
void bw_conv2d_a16w4_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                            bw_word *scratch);
void bw_conv2d_a16w8_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                            bw_word *scratch);
void bw_dense_a16w2_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_dense_a16w4_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_dense_a16w8_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                           bw_word *scratch);
void bw_conv2d_axwx_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_depthwise_a1w1_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in,
                              bw_word *out, bw_word *scratch);
void bw_depthwise_a8w8_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in,
                              bw_word *out, bw_word *scratch);
void bw_depthwise_a16w8_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in,
                               bw_word *out, bw_word *scratch);
void bw_depthwise_axwx_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in,
                              bw_word *out);
void bw_sum_pool_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                        bw_word *scratch);
void bw_add_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, const bw_word *with,
                   bw_word *out, bw_word *scratch);
void bw_log_variance_to_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);

/* Accumulators in single precision, each product rounded before it is added, in the order row, column, channel. */
void bw_conv2d_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_conv2d_wf32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out,
                    bw_word *scratch); /* float weights; no pooling */
void bw_depthwise_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_sum_pool_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_add_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, const bw_word *with,
                bw_word *out);
void bw_log_variance_f32(const bw_layer *layer, const bw_float_epilogue *epilogue, const bw_word *in, bw_word *out);
void bw_max_pool_f32(const bw_layer *layer, const bw_word *in, bw_word *out);

/* C99's stand-in for _Static_assert. */
#define BW_STATIC_ASSERT(name, condition) typedef char name[(condition) ? 1 : -1]

#endif
