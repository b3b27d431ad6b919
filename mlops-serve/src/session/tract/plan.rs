//! [`Plans`]: a model ready to run, for all input shapes at once or for each by itself.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use mlops_core::{
    Result,
    signature::{Dim, ModelSignature, TensorSpec},
};
use parking_lot::Mutex;
use smallvec::SmallVec;
use tract_onnx::{
    prelude::{
        InferenceFact, InferenceModel, InferenceModelExt, IntoRunnable, Symbol, TractResult,
        TypedSimplePlan,
    },
    tract_hir::internal::{DimFact, Factoid, ShapeFactoid, TDim, ToDim},
};

use super::{
    error::guarded,
    options::{OptimizationLevel, TractOptions},
};

/// The shape of each input, in the signature's order.
pub(super) type Shapes = SmallVec<[SmallVec<[usize; 4]>; 2]>;

/// A model ready to run.
///
/// A plan with symbols for the open dimensions serves every batch size. Not every model can be
/// planned so: `tract` must prove that sizes fit, and cannot where they depend on values. Such a
/// model gets a plan for each combination of input shapes, when it first comes.
#[derive(Debug)]
pub(super) enum Plans {
    Symbolic(Arc<TypedSimplePlan>),
    PerShape(Box<PerShape>),
}

#[derive(Debug)]
pub(super) struct PerShape {
    model: InferenceModel,
    optimization: OptimizationLevel,
    max_plans: usize,
    /// The one used last is at the back.
    plans: Mutex<VecDeque<(Shapes, Arc<TypedSimplePlan>)>>,
}

impl Plans {
    pub(super) fn new(
        mut model: InferenceModel,
        signature: &ModelSignature,
        options: &TractOptions,
    ) -> Result<Self> {
        guarded(|| name_open_dimensions(&mut model))?;
        let symbolic = plan(model.clone(), options.optimization);
        let per_shape = PerShape {
            model,
            optimization: options.optimization,
            max_plans: options.max_plans.max(1),
            plans: Mutex::default(),
        };
        match symbolic {
            Ok(plan) if per_shape.all_sizes_fit(signature) => Ok(Self::Symbolic(plan)),
            Ok(_) => {
                tracing::debug!(%signature, "not all sizes fit: each input shape gets a plan");
                Ok(Self::PerShape(Box::new(per_shape)))
            }
            Err(error) => {
                // Says now what every request would run into: small sizes plan fast, and what does
                // not fit them either is for an override to fix.
                let fits = |size| per_shape.check(&shapes(signature, |_| size)).is_ok();
                if !fits(1) && !fits(2) {
                    return Err(error);
                }
                tracing::debug!(
                    error = error.report(), %signature,
                    "no plan with open dimensions: each input shape gets one"
                );
                Ok(Self::PerShape(Box::new(per_shape)))
            }
        }
    }

    /// The plan for inputs of these shapes.
    pub(super) fn plan_for(&self, shapes: &Shapes) -> Result<Arc<TypedSimplePlan>> {
        match self {
            Self::Symbolic(plan) => Ok(Arc::clone(plan)),
            Self::PerShape(per_shape) => per_shape.plan_for(shapes),
        }
    }

    /// True if one plan is for all shapes.
    pub(super) fn is_symbolic(&self) -> bool {
        matches!(self, Self::Symbolic(_))
    }
}

impl PerShape {
    /// True if open dimensions may have any sizes, each another.
    ///
    /// `tract` plans as if the sizes of different symbols were equal where they have to be, and does
    /// not look when it runs. Unequal sizes of no relation show what it took for granted; two sets of
    /// them, so that none fits by accident.
    fn all_sizes_fit(&self, signature: &ModelSignature) -> bool {
        let check = |size: fn(usize) -> usize| self.check(&shapes(signature, size)).is_ok();
        let mut dims = signature.inputs.iter().flat_map(|spec| &spec.shape);
        dims.all(Dim::is_fixed) || check(|open| 2 + open) && check(|open| 5 + 3 * open)
    }

    /// Infers all shapes from those of the inputs.
    fn check(&self, shapes: &Shapes) -> Result<()> {
        let mut model = self.model.clone();
        guarded(|| {
            fix_shapes(&mut model, shapes)?;
            model.into_typed().map(drop)
        })
    }

    fn plan_for(&self, shapes: &Shapes) -> Result<Arc<TypedSimplePlan>> {
        if let Some(plan) = self.cached(shapes) {
            return Ok(plan);
        }
        // Without the lock: others go on with the plans that are there.
        let mut model = self.model.clone();
        guarded(|| fix_shapes(&mut model, shapes))?;
        let plan = plan(model, self.optimization)?;
        let mut plans = self.plans.lock();
        plans.push_back((shapes.clone(), Arc::clone(&plan)));
        if plans.len() > self.max_plans {
            plans.pop_front();
        }
        Ok(plan)
    }

    fn cached(&self, shapes: &Shapes) -> Option<Arc<TypedSimplePlan>> {
        let mut plans = self.plans.lock();
        let index = plans.iter().position(|(planned, _)| planned == shapes)?;
        let used = plans.remove(index)?;
        let plan = Arc::clone(&used.1);
        plans.push_back(used);
        Some(plan)
    }
}

fn plan(model: InferenceModel, optimization: OptimizationLevel) -> Result<Arc<TypedSimplePlan>> {
    guarded(|| {
        let typed = model.into_typed()?;
        let typed = match optimization {
            OptimizationLevel::None => typed,
            OptimizationLevel::All => typed.into_optimized()?,
        };
        typed.into_runnable()
    })
}

fn input_shapes(model: &InferenceModel) -> TractResult<Vec<Vec<DimFact>>> {
    let shape = |index| Ok(model.input_fact(index)?.shape.dims().cloned().collect());
    (0..model.inputs.len()).map(shape).collect()
}

/// Gives a symbol of its own to each dimension of an input that has none.
fn name_open_dimensions(model: &mut InferenceModel) -> TractResult<()> {
    for (index, dims) in input_shapes(model)?.into_iter().enumerate() {
        let symbols = model.symbols.clone();
        let named = dims.into_iter().map(|dim| match dim.concretize() {
            Some(_) => dim,
            None => DimFact::from(TDim::from(symbols.new_with_prefix("open"))),
        });
        let shape = ShapeFactoid::closed(named.collect());
        let fact = model.input_fact(index)?.clone().with_shape(shape);
        model.set_input_fact(index, fact)?;
    }
    Ok(())
}

/// Puts sizes in the place of symbols, wherever they occur.
fn fix_shapes(model: &mut InferenceModel, shapes: &Shapes) -> TractResult<()> {
    let mut sizes: HashMap<Symbol, TDim> = HashMap::new();
    for (dims, shape) in input_shapes(model)?.into_iter().zip(shapes) {
        for (dim, size) in dims.iter().zip(shape) {
            if let Some(TDim::Sym(symbol)) = dim.concretize() {
                sizes.insert(symbol, size.to_dim());
            }
        }
    }
    model.set_symbols(&sizes)?;
    for (index, shape) in shapes.iter().enumerate() {
        let fact: InferenceFact = model.input_fact(index)?.clone().with_shape(&shape[..]);
        model.set_input_fact(index, fact)?;
    }
    Ok(())
}

/// Input shapes whose open dimensions have these sizes, numbered as they occur: those of one symbol
/// have one number.
fn shapes(signature: &ModelSignature, size: impl Fn(usize) -> usize) -> Shapes {
    let mut open: Vec<&Dim> = Vec::new();
    let mut shapes = Shapes::new();
    for TensorSpec { shape, .. } in &signature.inputs {
        let sizes = shape.iter().map(|dim| {
            if let Dim::Fixed(size) = dim {
                return *size;
            }
            let known = open.iter().position(|other| *other == dim && *dim != Dim::Unknown);
            size(known.unwrap_or_else(|| {
                open.push(dim);
                open.len() - 1
            }))
        });
        shapes.push(sizes.collect());
    }
    shapes
}
