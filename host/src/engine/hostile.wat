;; A plugin that misbehaves on demand: the first letter of the request's method says how. The
;; names and flat signatures are those of the canonical ABI for the world `policy`; results are
;; pointers, and a result of zeros is the simplest there is: settings without content, a `need` for
;; nothing.
(module
  (memory (export "memory") 1)
  (global $configured (mut i32) (i32.const 0))
  (global $calls (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 4096))
  ;; SPARE

  (data (i32.const 512) "/modewhat is meant")
  ;; One config-error: pointer and message.
  (data (i32.const 768) "\00\02\00\00\05\00\00\00\05\02\00\00\0d\00\00\00")
  ;; `err` of a list with that one error.
  (data (i32.const 800) "\01\00\00\00\00\00\00\00\00\03\00\00\01\00\00\00")

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at
      (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  ;; Any policy document will do, but `!`.
  (func (export "scimguard:policy/guard@0.2.0#configure") (param $text i32) (param $length i32) (result i32)
    (global.set $configured (i32.const 1))
    (if (result i32) (i32.and (i32.ne (local.get $length) (i32.const 0))
                              (i32.eq (i32.load8_u (local.get $text)) (i32.const 33)))
      (then (i32.const 800))
      (else (i32.const 1024))))

  (func (export "scimguard:policy/guard@0.2.0#evaluate")
    (param $method i32) (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
    (local $what i32)
    (if (i32.eqz (global.get $configured)) (then unreachable))
    (local.set $what (i32.load8_u (local.get $method)))
    ;; T: trap.
    (if (i32.eq (local.get $what) (i32.const 84)) (then unreachable))
    ;; L: loop for ever.
    (if (i32.eq (local.get $what) (i32.const 76)) (then (loop $again (br $again))))
    ;; M: take memory without end.
    (if (i32.eq (local.get $what) (i32.const 77))
      (then (loop $again (drop (memory.grow (i32.const 256))) (br $again))))
    ;; R: answer with a list far outside of memory.
    (if (i32.eq (local.get $what) (i32.const 82))
      (then
        (i32.store (i32.const 1040) (i32.const 0x7fff0000))
        (i32.store (i32.const 1036) (i32.const 0x7fff0000))
        (i32.store (i32.const 1032) (i32.const 0x7fff0000))))
    ;; Anything else: fine once, but not twice in one instance.
    (if (global.get $calls) (then unreachable))
    (global.set $calls (i32.const 1))
    (i32.const 1024))

  (func (export "scimguard:policy/guard@0.2.0#resume-evaluate")
    (param i32 i32 i32 i32 i32 i32 i64) (result i32)
    unreachable)

  (func (export "scimguard:policy/guard@0.2.0#resume-observe") (param i32 i32 i64) (result i32)
    unreachable)

  (func (export "scimguard:policy/guard@0.2.0#observe")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i64) (result i32)
    unreachable)

  (func (export "scimguard:policy/guard@0.2.0#rules") (result i32)
    (i32.const 1024)))
