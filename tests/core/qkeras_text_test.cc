// SPDX-License-Identifier: Apache-2.0
#include "core/qkeras_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

std::string error(const std::string& text) {
  return error_of<ConfigError>([&] { parse_qkeras_quantizer(text); });
}

TEST(QkerasText, ReadsPositionsInTheOrderOfEachClass) {
  const QkerasAlpha two{AlphaRule::kFixed, {{}, {2.0f}}};
  const std::vector<std::pair<const char*, QkerasQuantizer>> cases = {
      {"quantized_bits(4,1,1,0,2,True)", QuantizedBits{4, 1, true, false, two, true}},
      {"quantized_linear(4,1,0,0,2)", QuantizedLinear{4, 1, false, false, two}},
      {"quantized_relu(4,1,1,0.25,True,6)", QuantizedRelu{4, 1, true, 0.25f, true, 6.0f}},
      {"binary(1,2,True)", Binary{true, two, true}},
      {"stochastic_binary(2,5)", StochasticBinary{two, 5.0f}},
      {"bernoulli(2,5)", Bernoulli{two, 5.0f}},
      {"ternary(2,0.5,False)", Ternary{two, 0.5f, false}},
      {"stochastic_ternary(2,0.5,5)", StochasticTernary{two, 0.5f, 5.0f}},
      {"quantized_tanh(4,True,True,True)", QuantizedTanh{4, true, true, true}},
      {"quantized_sigmoid(4,True,True)", QuantizedSigmoid{4, true, true}},
      {"quantized_ulaw(4,1,1,100)", QuantizedUlaw{4, 1, true, 100.0f}},
      {"quantized_po2(4,8)", QuantizedPo2{4, 8.0f}},
      {"quantized_relu_po2(4,8,0.5)", QuantizedReluPo2{4, 8.0f, 0.5f}},
      {"quantized_hswish(4,1,1,2)", QuantizedHswish{{4, 1, true, true, two}}},
      {"binary_tanh()", NamedActivation{"binary_tanh"}},
  };
  for (const auto& [text, expected] : cases) EXPECT_TRUE(parse_qkeras_quantizer(text) == expected) << text;
}

TEST(QkerasText, ReadsNamesSpacesQuotesAndNone) {
  const QkerasAlpha auto_po2{AlphaRule::kAutoPo2, {}};
  EXPECT_TRUE(parse_qkeras_quantizer(" ternary ( threshold = None , alpha = \"auto_po2\" ) ") ==
              QkerasQuantizer(Ternary{.alpha = auto_po2}));
  EXPECT_TRUE(parse_qkeras_quantizer("quantized_bits(bits=+4, keep_negative=False, alpha='auto_po2')") ==
              QkerasQuantizer(QuantizedBits{.bits = 4, .keep_negative = false, .alpha = auto_po2}));
  EXPECT_TRUE(parse_qkeras_quantizer("quantized_bits(var_name=None,use_variables=False)") ==
              QkerasQuantizer(QuantizedBits{}));
  EXPECT_TRUE(parse_qkeras_quantizer("binary(alpha=[[0.5, 1e-1]])") ==
              QkerasQuantizer(Binary{.alpha = {AlphaRule::kFixed, {{1, 2}, {0.5f, 0.1f}}}}));
}

TEST(QkerasText, IsReadBackAsWritten) {
  for (const char* text :
       {"quantized_bits", "quantized_bits(bits=4,symmetric=True,alpha='auto_po2',scale_axis=0,post_training_scale=0.5)",
        "quantized_linear(alpha=[0.1, 0.2])", "quantized_relu(negative_slope=0.25,use_ste=False)",
        "binary(use_01=True,alpha=0.3)", "stochastic_binary(temperature=5)", "bernoulli(use_real_sigmoid=False)",
        "ternary(threshold=0.1)", "stochastic_ternary(alpha='auto',number_of_unrolls=3)",
        "quantized_tanh(use_real_tanh=True)", "quantized_sigmoid(bits=3)", "quantized_ulaw(u=100)",
        "quantized_po2(max_value=8,log2_rounding='floor')", "quantized_relu_po2(quadratic_approximation=True)",
        "quantized_hswish(bits=4,relu_shift=2)", "hard_tanh"})
    EXPECT_EQ(qkeras_text(parse_qkeras_quantizer(text)), text);
}

TEST(QkerasText, TellsQuantizersFromKerasActivations) {
  for (const char* text : {"quantized_relu(4)", "binary", " ternary (alpha=1)", "hard_tanh"})
    EXPECT_TRUE(is_qkeras_quantizer(text)) << text;
  for (const char* text : {"linear", "relu", "softmax", "tanh", "sigmoid", "", "quantized_bits2"})
    EXPECT_FALSE(is_qkeras_quantizer(text)) << text;
}

TEST(QkerasText, SaysWhatIsWrong) {
  EXPECT_EQ(error(""), ": a quantizer's name wanted");
  EXPECT_EQ(error("relu"), "relu: relu: no quantizer of QKeras");
  EXPECT_EQ(error("binary(alpha=1"), "binary(alpha=1: ')' wanted after 'binary(alpha=1'");
  EXPECT_EQ(error("binary()x"), "binary()x: 'x': nothing may follow");
  EXPECT_EQ(error("binary(alpha=auto)"),
            "binary(alpha=auto): 'auto': a number, True, False, None or a quoted string wanted");
  EXPECT_EQ(error("binary(,)"), "binary(,): '': a number, True, False, None or a quoted string wanted");
  EXPECT_EQ(error("quantized_bits(4,inf)"),
            "quantized_bits(4,inf): 'inf': a number, True, False, None or a quoted string wanted");
  EXPECT_EQ(error("binary(alpha='auto)"), "binary(alpha='auto): a quoted string has no end");
  EXPECT_EQ(error("binary(alpha='best')"),
            "binary(alpha='best'): alpha = 'best': a number, an array, 'auto', 'auto_po2' or None");
  EXPECT_EQ(error("binary(alpha=[[1,2],[3]])"),
            "binary(alpha=[[1,2],[3]]): a list holds numbers, or lists of equal length");
  EXPECT_EQ(error("binary(alpha=[])"), "binary(alpha=[]): an empty list");
  EXPECT_EQ(error("quantized_bits(bits=4,1)"),
            "quantized_bits(bits=4,1): a value without a name may not follow one with a name");
  EXPECT_EQ(error("quantized_bits(4,bits=4)"), "quantized_bits(4,bits=4): bits: given twice");
  EXPECT_EQ(error("quantized_ulaw(4,0,1,255,1)"),
            "quantized_ulaw(4,0,1,255,1): argument 5: quantized_ulaw takes at most 4 by position");
  EXPECT_EQ(error("quantized_ulaw(width=4)"),
            "quantized_ulaw(width=4): width: no argument of quantized_ulaw, which has bits, integer, symmetric, u");
  EXPECT_EQ(error("hard_tanh(1)"), "hard_tanh(1): argument 1: hard_tanh takes at most 0 by position");
}

TEST(QkerasText, SaysWhatAFieldMayHold) {
  EXPECT_EQ(error("quantized_bits(4.5)"), "quantized_bits(4.5): bits = 4.5: an integer");
  EXPECT_EQ(error("quantized_bits(0)"), "quantized_bits(0): bits = 0: from 1 to 31");
  EXPECT_EQ(error("quantized_bits(4,0,2)"), "quantized_bits(4,0,2): symmetric = 2: True or False");
  EXPECT_EQ(error("quantized_bits(qnoise_factor=2)"),
            "quantized_bits(qnoise_factor=2): qnoise_factor = 2: from 0 to 1");
  EXPECT_EQ(error("quantized_bits(elements_per_scale=4)"),
            "quantized_bits(elements_per_scale=4): elements_per_scale = 4: not supported, only None");
  EXPECT_EQ(error("quantized_bits(post_training_scale=1)"),
            "quantized_bits(post_training_scale=1): post_training_scale: only with an automatic alpha");
  EXPECT_EQ(error("quantized_bits(1,0,alpha='auto')"),
            "quantized_bits(1,0,alpha='auto'): bits = 1: at least 2 with an automatic alpha, whose scale has no level");
  EXPECT_EQ(error("quantized_linear(alpha=0)"), "quantized_linear(alpha=0): alpha: not 0");
  EXPECT_EQ(error("quantized_relu(4,2,0,0.3)"), "quantized_relu(4,2,0,0.3): negative_slope = 0.3: 0 or a power of two");
  EXPECT_EQ(error("ternary('auto',0.5)"), "ternary('auto',0.5): threshold = 0.5: null with an automatic alpha");
  EXPECT_EQ(error("ternary(1,use_stochastic_rounding=True)"),
            "ternary(1,use_stochastic_rounding=True): use_stochastic_rounding = True: only with an automatic alpha");
  EXPECT_EQ(error("binary(min_po2_exponent=1)"),
            "binary(min_po2_exponent=1): min_po2_exponent, max_po2_exponent: only with 'auto_po2'");
  EXPECT_EQ(error("quantized_po2(1)"), "quantized_po2(1): bits = 1: from 2 to 31");
  EXPECT_EQ(error("quantized_po2(4,0)"), "quantized_po2(4,0): max_value = 0: above 0");
  EXPECT_EQ(error("quantized_po2(4,log2_rounding='up')"),
            "quantized_po2(4,log2_rounding='up'): log2_rounding = 'up': 'rnd' or 'floor'");
  EXPECT_EQ(error("bernoulli(temperature=0)"), "bernoulli(temperature=0): temperature = 0: above 0");
}

}  // namespace
}  // namespace bitwright
