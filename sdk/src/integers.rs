//! The integer types.

/// Calls a macro with all integer types: the type, its least and greatest value as text, its format in OpenAPI.
macro_rules! with_integers {
    ($macro:ident) => {
        $macro! {
            u8 "0" "255" "uint8",
            u16 "0" "65535" "uint16",
            u32 "0" "4294967295" "uint32",
            u64 "0" "18446744073709551615" "uint64",
            u128 "0" "340282366920938463463374607431768211455" "",
            i8 "-128" "127" "int8",
            i16 "-32768" "32767" "int16",
            i32 "-2147483648" "2147483647" "int32",
            i64 "-9223372036854775808" "9223372036854775807" "int64",
            i128 "-170141183460469231731687303715884105728" "170141183460469231731687303715884105727" ""
        }
        #[cfg(target_pointer_width = "32")]
        $macro! {
            usize "0" "4294967295" "uint32",
            isize "-2147483648" "2147483647" "int32"
        }
        #[cfg(target_pointer_width = "64")]
        $macro! {
            usize "0" "18446744073709551615" "uint64",
            isize "-9223372036854775808" "9223372036854775807" "int64"
        }
    };
}

pub(crate) use with_integers;

#[cfg(test)]
mod tests {
    macro_rules! texts_are_right {
        ($($type:ident $min:literal $max:literal $format:literal),*) => {
            #[test]
            fn texts_are_right() {
                $(
                    assert_eq!($type::MIN.to_string(), $min);
                    assert_eq!($type::MAX.to_string(), $max);
                )*
            }
        };
    }

    mod fixed {
        macro_rules! ignore_sized {
            (usize $($rest:tt)*) => {};
            ($($rest:tt)*) => { texts_are_right! { $($rest)* } };
        }
        with_integers!(ignore_sized);
    }

    mod sized {
        macro_rules! only_sized {
            (usize $($rest:tt)*) => { texts_are_right! { usize $($rest)* } };
            ($($rest:tt)*) => {};
        }
        with_integers!(only_sized);
    }
}
