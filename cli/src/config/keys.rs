//! Tables whose keys stand for fields of the core. Each key is written once: its name, its bounds, its
//! documentation and the field that it sets.

/// One key as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key within its table.
    pub key: &'static str,
    /// Its value, written as in the file.
    pub value: String,
    /// Whether the table gives it; otherwise it is a default.
    pub given: bool,
}

/// Defines a table: keys of its own, then keys that each set one field of `$target`, whose defaults are those
/// of `$default`.
macro_rules! keys {
    ($(#[$meta:meta])* $name:ident for $target:ty { $($own:tt)* } { $($keys:tt)* }) => {
        keys! {
            $(#[$meta])*
            $name for $target = Default::default { $($own)* } { $($keys)* }
        }
    };
    (
        $(#[$meta:meta])*
        $name:ident for $target:ty = $default:path
        { $( $(#[$own_meta:meta])* $own:ident: $own_type:ty, )* }
        { $( $(#[$key_meta:meta])* $key:ident -> $($field:ident).+: $type:ty, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $( $(#[$own_meta])* pub $own: $own_type, )*
            $(
                $(#[$key_meta])*
                #[schemars(extend("default" = <$type as Value<_>>::of(&$name::defaults().$($field).+)))]
                pub $key: Option<$type>,
            )*
        }

        impl $name {
            fn defaults() -> $target {
                $default()
            }

            /// Sets what the table gives.
            pub fn apply(&self, to: &mut $target) {
                $( if let Some(value) = &self.$key { to.$($field).+ = value.to_core(); } )*
            }

            /// The keys as they are in force in `effective`.
            pub fn rows(&self, effective: &$target) -> Vec<Row> {
                vec![$( Row {
                    key: stringify!($key),
                    value: <$type as Value<_>>::of(&effective.$($field).+).to_string(),
                    given: self.$key.is_some(),
                } ),*]
            }
        }
    };
}

/// The same with the keys that every module has.
macro_rules! keys_of_modules {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        keys! {
            $(#[$meta])*
            $name for mik_core::ModuleSettings
            { $($own)* }
            {
                /// Linear memory of one instance, all its memories together.
                memory -> limits.memory: Size<{ 64 * KIB }, { 4 * GIB }>,
                /// Time until the response head must be there; past it the answer is 504.
                timeout -> timeout: Time<1, { 24 * HOUR }>,
                /// CPU time of one call, before and after the response head.
                cpu -> limits.cpu: Time<1, { 24 * HOUR }>,
                /// How long a response body may stay silent after the head.
                silence -> limits.silence: Time<10, { 24 * HOUR }>,
                /// How many calls one instance may serve, one after another. With 1 each call has a fresh
                /// instance; with more a guest sees what an earlier call left in its memory.
                reuse -> limits.reuse: Count<1, 1_000_000>,
                /// How long an instance that is kept for reuse may stay idle.
                reuse_idle -> limits.reuse_idle: Time<10, { 24 * HOUR }>,
                /// Bytes that one host call may carry out of the guest.
                host_bytes -> limits.host_bytes: Size<{ 4 * KIB }, { 4 * GIB }>,
                /// Resource handles (streams, fields, pollables) that one call may hold.
                resources -> limits.resources: Count<16, 10_000_000>,
                /// Bytes of one set of header fields.
                fields -> limits.fields: Size<{ KIB }, { 16 * MIB }>,
                /// Random bytes that one host call may ask for.
                random -> limits.random: Size<64, { GIB }>,
                /// Bytes of standard output and error that one call may log; the rest is dropped and
                /// counted.
                log -> limits.log: Size<0, { GIB }>,
            }
        }
    };
}

/// The same with the keys that every script has.
macro_rules! keys_of_scripts {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        keys! {
            $(#[$meta])*
            $name for mik_core::ModuleSettings = mik_core::ModuleSettings::of_scripts
            { $($own)* }
            {
                /// Memory of one run: all that its JavaScript holds.
                memory -> limits.memory: Size<MIB, { 4 * GIB }>,
                /// Time until the response head must be there, calls included; past it the answer is 504.
                timeout -> timeout: Time<1, { 24 * HOUR }>,
                /// CPU time of one run, without that of the modules that it calls.
                cpu -> limits.cpu: Time<1, { 24 * HOUR }>,
                /// Bytes that one run may log with `console`; the rest is dropped and counted.
                log -> limits.log: Size<0, { GIB }>,
                /// How many runs one JavaScript runtime may serve, one after another. With 1 each run has a
                /// fresh one; with more a script sees what an earlier run left in its global variables.
                reuse -> limits.reuse: Count<1, 1_000_000>,
                /// How long a runtime may stay idle that is kept for the next run.
                reuse_idle -> limits.reuse_idle: Time<10, { 24 * HOUR }>,
            }
        }
    };
}

pub(crate) use {keys, keys_of_modules, keys_of_scripts};
