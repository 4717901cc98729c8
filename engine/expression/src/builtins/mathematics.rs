//! Mathematical functions of one number.

use jaq_core::{
    Error, ValR,
    native::{Fun, bome, run, v},
};

use crate::{jq::Data, value::Val};

/// Functions whose result stays a float, as in SonataFlow's jq: `3.7 | floor` prints `3.0` in a string.
pub(super) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let functions: [Fun<Data>; 21] = [
        run(("floor", v(0), |cv| bome(of_number(cv.1, f64::floor)))),
        run(("round", v(0), |cv| bome(of_number(cv.1, f64::round)))),
        run(("sqrt", v(0), |cv| bome(of_number(cv.1, f64::sqrt)))),
        run(("cbrt", v(0), |cv| bome(of_number(cv.1, f64::cbrt)))),
        run(("exp", v(0), |cv| bome(of_number(cv.1, f64::exp)))),
        run(("exp2", v(0), |cv| bome(of_number(cv.1, f64::exp2)))),
        run(("exp10", v(0), |cv| bome(of_number(cv.1, |exponent| 10_f64.powf(exponent))))),
        run(("log", v(0), |cv| bome(of_number(cv.1, f64::ln)))),
        run(("log2", v(0), |cv| bome(of_number(cv.1, |number| number.log10() / 2_f64.log10())))),
        run(("log10", v(0), |cv| bome(of_number(cv.1, f64::log10)))),
        run(("log1p", v(0), |cv| bome(of_number(cv.1, f64::ln_1p)))),
        run(("expm1", v(0), |cv| bome(of_number(cv.1, f64::exp_m1)))),
        run(("sin", v(0), |cv| bome(of_number(cv.1, f64::sin)))),
        run(("cos", v(0), |cv| bome(of_number(cv.1, f64::cos)))),
        run(("tan", v(0), |cv| bome(of_number(cv.1, f64::tan)))),
        run(("asin", v(0), |cv| bome(of_number(cv.1, f64::asin)))),
        run(("acos", v(0), |cv| bome(of_number(cv.1, f64::acos)))),
        run(("atan", v(0), |cv| bome(of_number(cv.1, f64::atan)))),
        run(("sinh", v(0), |cv| bome(of_number(cv.1, f64::sinh)))),
        run(("cosh", v(0), |cv| bome(of_number(cv.1, f64::cosh)))),
        run(("tanh", v(0), |cv| bome(of_number(cv.1, f64::tanh)))),
    ];
    functions.into_iter()
}

fn of_number(value: Val, function: fn(f64) -> f64) -> ValR<Val> {
    match value.as_number() {
        Some(number) => Ok(Val::Float(function(number))),
        None => Err(Error::typ(value, "number")),
    }
}
