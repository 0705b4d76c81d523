// experiments/search_bench/problems.h: problems with known answers to compare searches by: mixed spaces, several
// objectives, limits that are known before an evaluation and limits that only an evaluation tells.
//
// Source: bnh, tnk, osy from Deb, "Multi-Objective Optimization using Evolutionary Algorithms", 2001; c2dtlz2 from Jain
// and Deb, IEEE TEVC 18(4), 2014; mw7 from Ma and Wang, IEEE TEVC 23(6), 2019; cre22 .. cre25 from Tanabe and
// Ishibuchi, Applied Soft Computing 89, 2020. mcu and mcu3 are ours: a closed form in place of a table of trained
// quantized nets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/rng.h"
#include "search/pareto.h"

namespace bitwright {

struct ProblemParameter {
  enum class Kind { kReal, kInteger, kCategory };
  std::string name;
  Kind kind = Kind::kReal;
  double low = 0.0, high = 1.0;        // inclusive; of numbers
  bool log_scale = false;              // of a real one with low > 0
  std::vector<std::string> choices{};  // of a category
  int parent = -1;                     // index of the integer parameter that decides whether this one is active
  double parent_least = 0.0;           // active where the parent has at least this value
};

// A value a parameter: a number, or the index of a choice.
using ProblemPoint = std::vector<double>;

struct ProblemOutcome {
  ObjectiveVector objectives;          // minimised
  std::vector<double> known_limits;    // <= 0 where kept; free to ask before an evaluation
  std::vector<double> unknown_limits;  // <= 0 where kept; known after an evaluation
};

struct Problem {
  std::string name;
  std::vector<ProblemParameter> parameters;
  bool known_costs = false;  // all objectives but the first are free to ask before an evaluation
  double noise = 0.0;        // standard deviation of what an evaluation adds to the first objective
  std::function<ProblemOutcome(const ProblemPoint&)> outcome;  // without noise
  ObjectiveVector ideal, nadir;                                // of the front that a long search found
  double reference_hypervolume = 0;  // of the best front known in units of nadir - ideal, below 1.1 everywhere
  // The first objective as one evaluation tells it, after each of its rungs, of which the last is the whole: in place
  // of the noise, where trainings are on record. rng: of the active values and the seed.
  std::function<std::vector<double>(const ProblemPoint&, Rng&)> observed = {};
  double error_resolution = 0.0;      // > 0: a model takes the logarithm of the first objective (log_error)
  std::vector<double> rungs = {1.0};  // share of an evaluation's epochs up to each rung, rising
};

// bnh tnk osy c2dtlz2 mi-c2dtlz2 mw7 cre22 cre23 cre24 cre25 mcu mcu3. References are of fronts that 240,000
// evaluations by NSGA-II found, but for cre25, whose hypervolume is that of its exact front: 0.013 % more.
std::vector<Problem> search_problems();
// Throws std::out_of_range for another name.
Problem search_problem(const std::string& name);

bool is_active(const Problem& problem, const ProblemPoint& point, size_t parameter);
// Of a parameter's range, in 0..1, levels and choices at the middle of their share; and back, from any number.
double to_unit(const ProblemParameter& parameter, double value);
double from_unit(const ProblemParameter& parameter, double unit);
// unit: a number in 0..1 a parameter.
ProblemPoint decode_unit(const Problem& problem, const std::vector<double>& unit);
bool keeps_known_limits(const ProblemOutcome& outcome);
bool keeps_all_limits(const ProblemOutcome& outcome);

// As a search sees it: the noise is a function of the active values and the seed.
ProblemOutcome evaluate(const Problem& problem, const ProblemPoint& point, uint64_t seed);
// Its first objective after each rung; where there are no rungs, that alone.
std::vector<double> evaluate_rungs(const Problem& problem, const ProblemPoint& point, uint64_t seed);

// Hypervolume of objectives without noise, as a share of the reference front's: 0..1, a little more for a better front.
double reference_share(const Problem& problem, const std::vector<ObjectiveVector>& front);

}  // namespace bitwright
