//! Code compiled once more for processors with wide vectors, where the lanes of an instruction are one or two words of
//! the processor.

/// Defines `name(arguments)`, which calls `body(arguments)` compiled for this processor. The body must be
/// `#[inline(always)]`.
macro_rules! compiled_for_this_processor {
    (fn $name:ident($($argument:ident: $kind:ty),*) as $body:ident) => {
        fn $name($($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx2")]
                fn with_avx512($($argument: $kind),*) {
                    $body($($argument),*);
                }
                #[target_feature(enable = "avx2")]
                fn with_avx2($($argument: $kind),*) {
                    $body($($argument),*);
                }
                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512dq") {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { with_avx512($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: as above.
                    return unsafe { with_avx2($($argument),*) };
                }
            }
            $body($($argument),*);
        }
    };
}
pub(super) use compiled_for_this_processor;
