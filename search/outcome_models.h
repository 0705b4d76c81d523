// search/outcome_models.h: what Gaussian processes, and perhaps a forest, make of the results of a search: the measured
// objectives of points that were not evaluated, and whether an evaluation will succeed and keep the measured limits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/earlier_model.h"
#include "search/gaussian_process.h"
#include "search/model_choice.h"
#include "search/proposer.h"

namespace bitwright {

// A model of one target. Its hyperparameters are fitted to the first results, of which there are all up to 40 and every
// fourth more, and always from the prior, so that they are a function of the results.
class PrefixModel {
 public:
  explicit PrefixModel(std::vector<ModelInput> inputs);
  // How many of n results the hyperparameters are fitted to.
  static Eigen::Index fitted_part(Eigen::Index n);
  // points, targets: those of the last call, and more behind them; where fitted_part() of the two differs, others.
  GaussianProcess given(const Eigen::MatrixXd& points, const Eigen::VectorXd& targets);
  // Of the results that the hyperparameters are fitted to, after given().
  const GaussianProcess& fitted() const { return fitted_; }

 private:
  std::vector<ModelInput> inputs_;
  GaussianProcess fitted_;
  Eigen::Index fitted_count_ = 0;
};

// Models of the results at one moment. Rows are points as a DesignSpace encodes them.
struct OutcomeModels {
  std::vector<GaussianProcess> objectives;  // measured; of the first's logarithm, where one is taken
  std::optional<RandomForest> forest;       // of the first objective, where it foretells better: then it speaks
  std::vector<GaussianProcess> limits;      // measured, compressed, their signs kept
  std::optional<GaussianProcess> success;   // of labels; nothing: no evaluation has failed
  bool of_logarithm = true;
  bool of_fidelity = false;  // the models' last input is one: see ResultModels
  EarlierBelief belief{};    // of the first objective, to which its model adds what is left
  std::shared_ptr<const EarlierModels> earlier{};

  // What speaks of the first objective, as the source of a proposal: "model", or "forest" for a forest.
  std::string source() const { return forest ? "forest" : "model"; }
  // A point under way: believed to come out at the means.
  void add_pending(const Eigen::RowVectorXd& row);
  // The measured objectives that are believed of a point, in their own unit.
  ObjectiveVector believed(const Eigen::RowVectorXd& row) const;
  // Of each row and measured objective, the first's logarithm where one is taken; of whole trainings.
  std::vector<GaussianPosterior> predict(const Eigen::MatrixXd& rows) const;
  // Of each row: log P(the evaluation succeeds and keeps the measured limits).
  Eigen::VectorXd log_success(const Eigen::MatrixXd& rows) const;

 private:
  Eigen::MatrixXd of_whole_trainings(const Eigen::MatrixXd& rows) const;
};

// Results as they come in, and models of them. Where some are of trainings that are not whole, the share of the epochs
// is one more input: log(share) / log(least share), from 0 of a whole training to 1. What is believed of earlier
// studies, and whether a forest speaks, is decided by the results that hyperparameters are fitted to.
class ResultModels {
 public:
  // error_resolution: of log_error (search/expected_improvement.h); 0: no logarithm is taken.
  // least_fidelity: of all results, above 0; 1: all are of whole trainings.
  // earlier: models of the first objective in earlier studies, as it is modelled here; nothing: there are none.
  ResultModels(std::vector<ModelInput> inputs, double error_resolution, double least_fidelity = 1.0,
               std::shared_ptr<const EarlierModels> earlier = {});

  // row: the point as the models see it.
  void add(const DesignResult& result, Eigen::RowVectorXd row);
  // Of what was added so far, of which one at least has measured objectives.
  OutcomeModels models();
  // What their first objective begins with.
  EarlierBelief belief() const;

 private:
  struct Observed {
    DesignResult result;
    Eigen::RowVectorXd row;
    std::vector<double> earlier;  // mean of each earlier study there
  };

  struct Line {
    double offset = 0.0, slope = 1.0;
  };

  struct Targets {
    Eigen::MatrixXd points;  // a row a result
    Eigen::VectorXd values;
  };

  double modelled(const DesignResult& result, size_t objective) const;
  std::map<double, Line> lines_to_whole_trainings(const std::vector<size_t>& evaluated) const;
  Targets targets_of(const std::vector<size_t>& observed, const std::function<double(const Observed&)>& target) const;
  Targets first_targets(const std::map<double, Line>& lines, const EarlierBelief& belief) const;
  Targets further_targets(size_t objective) const;
  Targets limit_targets(size_t limit, const std::vector<size_t>& fitted) const;
  Targets success_targets() const;
  std::vector<Eigen::Index> whole_trainings(Eigen::Index count) const;
  std::optional<RandomForest> better_forest(const Targets& targets);

  std::vector<ModelInput> inputs_;
  double error_resolution_, least_fidelity_;
  std::shared_ptr<const EarlierModels> earlier_;
  std::vector<Observed> observed_;
  std::vector<size_t> evaluated_;                 // indices of those that did not fail
  std::vector<PrefixModel> objectives_, limits_;  // measured
  PrefixModel success_;
  ForestChoice forest_choice_;  // of the first objective
};

}  // namespace bitwright
