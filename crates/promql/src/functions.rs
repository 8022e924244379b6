//! The table of PromQL's functions: what each takes and gives. What each does is the evaluator's business.

use crate::ast::ValueType;

use Arity::{Exact, LastRepeats, LastUpTo};

/// What a function takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The name as it is written; unlike keywords, case matters.
    pub name: &'static str,
    /// The types of the arguments in their order.
    pub arguments: &'static [ValueType],
    /// How many of them may be missing or repeated.
    pub arity: Arity,
    /// The type of the result.
    pub returns: ValueType,
    /// Whether Prometheus hides it behind a feature flag.
    pub experimental: bool,
}

/// How the number of arguments may differ from the length of [`Signature::arguments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// One for each.
    Exact,
    /// The last one stands for none up to this many.
    LastUpTo(usize),
    /// The last one stands for any number, also none.
    LastRepeats,
}

impl Signature {
    /// The fewest arguments.
    pub fn min_arguments(&self) -> usize {
        match self.arity {
            Exact => self.arguments.len(),
            LastUpTo(_) | LastRepeats => self.arguments.len() - 1,
        }
    }

    /// The most arguments; `None` where there is no limit.
    pub fn max_arguments(&self) -> Option<usize> {
        match self.arity {
            Exact => Some(self.arguments.len()),
            LastUpTo(n) => Some(self.arguments.len() - 1 + n),
            LastRepeats => None,
        }
    }

    /// The type of the argument at `index`, counted from 0; the last type holds for all behind it.
    pub fn argument(&self, index: usize) -> Option<ValueType> {
        self.arguments.get(index).or(self.arguments.last()).copied()
    }
}

/// Makes the enum and the table from one list, so that neither can lack what the other has.
macro_rules! functions {
    ($($variant:ident $name:literal ($($argument:ident),*) $arity:expr, $returns:ident $stability:ident;)*) => {
        /// A function of PromQL; the variants are the functions' names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the names are PromQL's own")]
        pub enum Function {
            $($variant,)*
        }

        impl Function {
            /// Every function, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// What it takes and gives.
            pub fn signature(self) -> &'static Signature {
                match self {
                    $(Self::$variant => &Signature {
                        name: $name,
                        arguments: &[$(ValueType::$argument,)*],
                        arity: $arity,
                        returns: ValueType::$returns,
                        experimental: functions!(@ $stability),
                    },)*
                }
            }
        }
    };
    (@ stable) => { false };
    (@ experimental) => { true };
}

functions! {
    Abs "abs" (Vector) Exact, Vector stable;
    Absent "absent" (Vector) Exact, Vector stable;
    AbsentOverTime "absent_over_time" (Matrix) Exact, Vector stable;
    Acos "acos" (Vector) Exact, Vector stable;
    Acosh "acosh" (Vector) Exact, Vector stable;
    Asin "asin" (Vector) Exact, Vector stable;
    Asinh "asinh" (Vector) Exact, Vector stable;
    Atan "atan" (Vector) Exact, Vector stable;
    Atanh "atanh" (Vector) Exact, Vector stable;
    AvgOverTime "avg_over_time" (Matrix) Exact, Vector stable;
    Ceil "ceil" (Vector) Exact, Vector stable;
    Changes "changes" (Matrix) Exact, Vector stable;
    Clamp "clamp" (Vector, Scalar, Scalar) Exact, Vector stable;
    ClampMax "clamp_max" (Vector, Scalar) Exact, Vector stable;
    ClampMin "clamp_min" (Vector, Scalar) Exact, Vector stable;
    Cos "cos" (Vector) Exact, Vector stable;
    Cosh "cosh" (Vector) Exact, Vector stable;
    CountOverTime "count_over_time" (Matrix) Exact, Vector stable;
    DayOfMonth "day_of_month" (Vector) LastUpTo(1), Vector stable;
    DayOfWeek "day_of_week" (Vector) LastUpTo(1), Vector stable;
    DayOfYear "day_of_year" (Vector) LastUpTo(1), Vector stable;
    DaysInMonth "days_in_month" (Vector) LastUpTo(1), Vector stable;
    Deg "deg" (Vector) Exact, Vector stable;
    Delta "delta" (Matrix) Exact, Vector stable;
    Deriv "deriv" (Matrix) Exact, Vector stable;
    DoubleExponentialSmoothing "double_exponential_smoothing" (Matrix, Scalar, Scalar) Exact, Vector experimental;
    End "end" () Exact, Scalar experimental;
    Exp "exp" (Vector) Exact, Vector stable;
    FirstOverTime "first_over_time" (Matrix) Exact, Vector stable;
    Floor "floor" (Vector) Exact, Vector stable;
    HistogramAvg "histogram_avg" (Vector) Exact, Vector stable;
    HistogramCount "histogram_count" (Vector) Exact, Vector stable;
    HistogramFraction "histogram_fraction" (Scalar, Scalar, Vector) Exact, Vector stable;
    HistogramQuantile "histogram_quantile" (Scalar, Vector) Exact, Vector stable;
    HistogramQuantiles "histogram_quantiles" (Vector, String, Scalar, Scalar) LastUpTo(9), Vector experimental;
    HistogramStddev "histogram_stddev" (Vector) Exact, Vector stable;
    HistogramStdvar "histogram_stdvar" (Vector) Exact, Vector stable;
    HistogramSum "histogram_sum" (Vector) Exact, Vector stable;
    Hour "hour" (Vector) LastUpTo(1), Vector stable;
    Idelta "idelta" (Matrix) Exact, Vector stable;
    Increase "increase" (Matrix) Exact, Vector stable;
    Info "info" (Vector, Vector) LastUpTo(1), Vector experimental;
    Irate "irate" (Matrix) Exact, Vector stable;
    LabelJoin "label_join" (Vector, String, String, String) LastRepeats, Vector stable;
    LabelReplace "label_replace" (Vector, String, String, String, String) Exact, Vector stable;
    LastOverTime "last_over_time" (Matrix) Exact, Vector stable;
    Ln "ln" (Vector) Exact, Vector stable;
    Log10 "log10" (Vector) Exact, Vector stable;
    Log2 "log2" (Vector) Exact, Vector stable;
    MadOverTime "mad_over_time" (Matrix) Exact, Vector experimental;
    MaxOf "max_of" (Scalar, Scalar) Exact, Scalar experimental;
    MaxOverTime "max_over_time" (Matrix) Exact, Vector stable;
    MinOf "min_of" (Scalar, Scalar) Exact, Scalar experimental;
    MinOverTime "min_over_time" (Matrix) Exact, Vector stable;
    Minute "minute" (Vector) LastUpTo(1), Vector stable;
    Month "month" (Vector) LastUpTo(1), Vector stable;
    Pi "pi" () Exact, Scalar stable;
    PredictLinear "predict_linear" (Matrix, Scalar) Exact, Vector stable;
    PresentOverTime "present_over_time" (Matrix) Exact, Vector stable;
    QuantileOverTime "quantile_over_time" (Scalar, Matrix) Exact, Vector stable;
    Rad "rad" (Vector) Exact, Vector stable;
    Range "range" () Exact, Scalar experimental;
    Rate "rate" (Matrix) Exact, Vector stable;
    Resets "resets" (Matrix) Exact, Vector stable;
    Round "round" (Vector, Scalar) LastUpTo(1), Vector stable;
    Scalar "scalar" (Vector) Exact, Scalar stable;
    Sgn "sgn" (Vector) Exact, Vector stable;
    Sin "sin" (Vector) Exact, Vector stable;
    Sinh "sinh" (Vector) Exact, Vector stable;
    Sort "sort" (Vector) Exact, Vector stable;
    SortByLabel "sort_by_label" (Vector, String) LastRepeats, Vector experimental;
    SortByLabelDesc "sort_by_label_desc" (Vector, String) LastRepeats, Vector experimental;
    SortDesc "sort_desc" (Vector) Exact, Vector stable;
    Sqrt "sqrt" (Vector) Exact, Vector stable;
    Start "start" () Exact, Scalar experimental;
    StartTimestamp "start_timestamp" (Vector) Exact, Vector experimental;
    StddevOverTime "stddev_over_time" (Matrix) Exact, Vector stable;
    StdvarOverTime "stdvar_over_time" (Matrix) Exact, Vector stable;
    Step "step" () Exact, Scalar experimental;
    SumOverTime "sum_over_time" (Matrix) Exact, Vector stable;
    Tan "tan" (Vector) Exact, Vector stable;
    Tanh "tanh" (Vector) Exact, Vector stable;
    Time "time" () Exact, Scalar stable;
    Timestamp "timestamp" (Vector) Exact, Vector stable;
    TsOfFirstOverTime "ts_of_first_over_time" (Matrix) Exact, Vector experimental;
    TsOfLastOverTime "ts_of_last_over_time" (Matrix) Exact, Vector experimental;
    TsOfMaxOverTime "ts_of_max_over_time" (Matrix) Exact, Vector experimental;
    TsOfMinOverTime "ts_of_min_over_time" (Matrix) Exact, Vector experimental;
    Vector "vector" (Scalar) Exact, Vector stable;
    Year "year" (Vector) LastUpTo(1), Vector stable;
}

impl Function {
    /// The name as it is written.
    pub fn name(self) -> &'static str {
        self.signature().name
    }

    /// The function of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.binary_search_by(|function| function.name().cmp(name)).ok().map(|index| Self::ALL[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_by_name_so_that_every_function_is_found() {
        for pair in Function::ALL.windows(2) {
            assert!(pair[0].name() < pair[1].name(), "{pair:?}");
        }
        for &function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(function));
        }
        assert_eq!(Function::from_name("RATE"), None, "function names are case-sensitive");
    }

    #[test]
    fn optional_and_repeated_arguments_widen_the_arity() {
        let bounds = |function: Function| {
            let signature = function.signature();
            (signature.min_arguments(), signature.max_arguments())
        };
        assert_eq!(bounds(Function::Time), (0, Some(0)));
        assert_eq!(bounds(Function::Clamp), (3, Some(3)));
        assert_eq!(bounds(Function::Round), (1, Some(2)));
        assert_eq!(bounds(Function::HistogramQuantiles), (3, Some(12)));
        assert_eq!(bounds(Function::LabelJoin), (3, None));
        assert_eq!(Function::LabelJoin.signature().argument(7), Some(ValueType::String));
        assert_eq!(Function::Time.signature().argument(0), None);
    }
}
