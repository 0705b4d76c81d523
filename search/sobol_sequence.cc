// SPDX-License-Identifier: Apache-2.0
#include "search/sobol_sequence.h"

#include <boost/random/sobol.hpp>

#include "core/check.h"
#include "core/rng.h"

namespace bitwright {

struct SobolSequence::Generator {
  boost::random::sobol sequence;  // without the first point
};

SobolSequence::SobolSequence(size_t dimensions, std::optional<uint64_t> seed) : shifts_(dimensions, 0) {
  BW_CHECK(dimensions >= 1);
  generator_ = std::make_unique<Generator>(Generator{boost::random::sobol(dimensions)});
  if (!seed) return;
  Rng rng(*seed);
  for (uint64_t& shift : shifts_) shift = rng.next();
}

SobolSequence::~SobolSequence() = default;

std::vector<double> SobolSequence::point(uint64_t index) {
  std::vector<uint64_t> bits(shifts_.size(), 0);
  if (index > 0) {
    generator_->sequence.seed(index - 1);
    generator_->sequence.generate(bits.begin(), bits.end());
  }
  std::vector<double> point;
  for (size_t i = 0; i < bits.size(); ++i) point.push_back(static_cast<double>((bits[i] ^ shifts_[i]) >> 11) * 0x1p-53);
  return point;
}

}  // namespace bitwright
