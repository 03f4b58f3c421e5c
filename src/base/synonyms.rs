//! What kinds are called elsewhere: a near miss for a name that is right in another program.

/// What `found` is called here, if that is one of `known`: the same name in another way of writing, or another program's.
pub(super) fn synonym<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = bare(found);
    let same = known.iter().copied().find(|name| bare(name) == found);
    let kind = |here: &&'static str| here.split(':').next().is_some_and(|kind| known.contains(&kind));
    let elsewhere = || ELSEWHERE.iter().filter(|(name, _)| *name == found).map(|(_, here)| *here).find(kind);
    same.or_else(elsewhere)
}

/// A name without what people write in different ways: capitals, hyphens and underscores, `loss` at its end.
fn bare(name: &str) -> String {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let short = letters.strip_suffix("loss").filter(|short| !short.is_empty());
    short.map_or(letters.clone(), str::to_owned)
}

/// What kinds are called in other programs and in papers, bare, and how they are asked for here.
const ELSEWHERE: &[(&str, &str)] = &[
    // Losses.
    ("mse", "mean-squared-error"),
    ("l2", "squared-error"),
    ("ce", "cross-entropy"),
    ("xent", "cross-entropy"),
    ("nll", "cross-entropy"),
    ("softmax", "cross-entropy"),
    ("categoricalcrossentropy", "cross-entropy"),
    ("sparsecategoricalcrossentropy", "cross-entropy"),
    ("bce", "logistic"),
    ("bcewithlogits", "logistic"),
    ("binarycrossentropy", "logistic"),
    ("svm", "hinge"),
    ("l1", "absolute-error"),
    ("mae", "absolute-error"),
    ("meanabsoluteerror", "absolute-error"),
    ("smoothl1", "huber"),
    ("poissonnll", "poisson"),
    // Data.
    ("mnist", "idx:directory=PATH"),
    ("fashionmnist", "idx:directory=PATH"),
    ("kmnist", "idx:directory=PATH"),
    ("emnist", "idx:directory=PATH"),
    ("cifar", "cifar10:directory=PATH"),
    ("numpy", "npz:file=PATH"),
    ("pandas", "csv:file=PATH"),
    ("table", "csv:file=PATH"),
    ("imagefolder", "images:directory=PATH"),
    ("folder", "images:directory=PATH"),
    ("txt", "text:file=PATH"),
    ("tsv", "csv:file=PATH,delimiter=tab"),
    ("twomoons", "moons"),
    // Activations.
    ("swish", "silu"),
    ("lrelu", "leaky-relu"),
    ("logistic", "sigmoid"),
    // Initializers.
    ("kaiming", "he-normal"),
    ("kaimingnormal", "he-normal"),
    ("kaiminguniform", "he-uniform"),
    ("he", "he-normal"),
    ("xavier", "glorot-uniform"),
    ("xaviernormal", "glorot-normal"),
    ("xavieruniform", "glorot-uniform"),
    ("glorot", "glorot-uniform"),
    ("lecun", "lecun-normal"),
    // Norms.
    ("batchnorm", "batch"),
    ("bn", "batch"),
    ("layernorm", "layer"),
    ("ln", "layer"),
    ("groupnorm", "group"),
    ("gn", "group"),
    ("instancenorm", "instance"),
    ("weightnorm", "weight"),
    ("spectralnorm", "spectral"),
    // Optimizers and schedules.
    ("momentum", "heavy-ball"),
    ("nag", "nesterov"),
    ("bfgs", "lbfgs"),
    ("cosineannealing", "cosine"),
    ("warmrestarts", "sgdr"),
    ("cyclic", "triangular"),
    ("steplr", "step"),
    ("multisteplr", "multi-step"),
    // Architectures.
    ("fc", "mlp"),
    ("dense", "mlp"),
    ("fullyconnected", "mlp"),
    ("convnet", "cnn"),
    // Settings of data.
    ("path", "file"),
    ("filename", "file"),
    ("dir", "directory"),
    ("folder", "directory"),
    ("target", "label"),
    ("sep", "delimiter"),
    ("separator", "delimiter"),
    ("dropna", "drop-missing"),
    // Directions.
    ("random", "gaussian"),
    ("hessian", "eigenvectors"),
    ("pca", "trajectory"),
];

/// What else is to be said of a hint.
pub(super) fn remark(here: &str) -> &'static str {
    match here {
        "mean-squared-error" => ", as PyTorch's MSELoss? squared-error is half the sum over outputs",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use crate::base::registry::unknown;

    #[test]
    fn names_of_other_programs_are_near_misses() {
        let hint = |found: &str, known: &[&str]| {
            let message = unknown("kind", found, known.iter().copied()).to_string();
            message.split_once("did you mean `").and_then(|(_, t)| Some(t.split_once('`')?.0.to_owned()))
        };
        let losses = ["cross-entropy", "squared-error", "logistic", "hinge", "mean-squared-error"];
        for (found, here) in [
            ("mse", "mean-squared-error"),
            ("MSELoss", "mean-squared-error"),
            ("bce", "logistic"),
            ("binary_crossentropy", "logistic"),
            ("ce", "cross-entropy"),
            ("cross_entropy", "cross-entropy"),
            ("CrossEntropyLoss", "cross-entropy"),
            ("crossentropy", "cross-entropy"),
        ] {
            assert_eq!(hint(found, &losses).as_deref(), Some(here), "{found}");
        }
        assert_eq!(hint("mnist", &["idx", "mnist1d", "digits"]).as_deref(), Some("idx:directory=PATH"));
        assert_eq!(hint("Adam", &["adamw", "adam"]).as_deref(), Some("adam"));
        assert_eq!(hint("adam_w", &["adam", "adamw"]).as_deref(), Some("adamw"));
        assert_eq!(hint("bce", &["relu", "tanh"]), None, "a hint is one of what there is");
    }
}
