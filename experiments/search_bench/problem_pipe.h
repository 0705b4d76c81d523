// experiments/search_bench/problem_pipe.h: a problem as lines of JSON, so that a search in any language can be
// compared.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <iosfwd>

#include "experiments/search_bench/problems.h"

namespace bitwright {

// Writes a line that describes the problem, then answers each line of `requests` by one:
//   {"known": point}      {"known_limits": [...], "known_objectives": [...]}: what is free to ask
//   {"evaluate": point}   the limits, "objectives" with the seed's noise, "scored" without it, and whether an
//                         evaluation of the same point came before ("repeat")
// A limit is kept where it is <= 0. A point is an array of a value a parameter, in their order, or an object of values
// by name: a number, or one of the choices. null, or no entry, where the parameter is not active.
// Throws ConfigError, "stdin:3: lr = 5: a number from 0.0001 to 0.1", for a line that is not such a request.
void serve_problem(const Problem& problem, uint64_t seed, std::istream& requests, std::ostream& answers);

}  // namespace bitwright
