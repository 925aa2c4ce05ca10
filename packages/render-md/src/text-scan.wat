;; One pass over bytes at several GB/s: everything the dump must know of a text before it can write its opening fence.
;; The facts accumulate in globals, so a file may be scanned in pieces; counts wrap at 2^32. See text-scan.ts for the meaning of each.
;; Each is told by a function: JavaScript calls one in a tenth of the time that it takes to read an exported global.
(module
  (memory (export "memory") 1)
  (global $lineFeeds (mut i32) (i32.const 0))
  (global $returns (mut i32) (i32.const 0))
  (global $pairs (mut i32) (i32.const 0))
  (global $controls (mut i32) (i32.const 0))
  (global $high (mut i32) (i32.const 0))
  (global $backticks (mut i32) (i32.const 0))
  (global $tildes (mut i32) (i32.const 0))
  (global $afterReturn (mut i32) (i32.const 0))
  (global $run (mut i32) (i32.const 0))
  (global $runOf (mut i32) (i32.const 0))

  (func (export "lineFeeds") (result i32) (global.get $lineFeeds))
  (func (export "returns") (result i32) (global.get $returns))
  (func (export "pairs") (result i32) (global.get $pairs))
  (func (export "controls") (result i32) (global.get $controls))
  (func (export "high") (result i32) (global.get $high))
  (func (export "backticks") (result i32) (global.get $backticks))
  (func (export "tildes") (result i32) (global.get $tildes))

  (func (export "reset")
    (global.set $lineFeeds (i32.const 0))
    (global.set $returns (i32.const 0))
    (global.set $pairs (i32.const 0))
    (global.set $controls (i32.const 0))
    (global.set $high (i32.const 0))
    (global.set $backticks (i32.const 0))
    (global.set $tildes (i32.const 0))
    (global.set $afterReturn (i32.const 0))
    (global.set $run (i32.const 0))
    (global.set $runOf (i32.const 0)))

  ;; Lengthen or start a run of fence characters, or end it.
  (func $fenceByte (param $byte i32)
    (if (i32.or (i32.eq (local.get $byte) (i32.const 0x60)) (i32.eq (local.get $byte) (i32.const 0x7e)))
      (then
        (if (i32.eq (local.get $byte) (global.get $runOf))
          (then (global.set $run (i32.add (global.get $run) (i32.const 1))))
          (else (global.set $runOf (local.get $byte)) (global.set $run (i32.const 1))))
        (if (i32.eq (local.get $byte) (i32.const 0x60))
          (then
            (if (i32.gt_u (global.get $run) (global.get $backticks)) (then (global.set $backticks (global.get $run)))))
          (else
            (if (i32.gt_u (global.get $run) (global.get $tildes)) (then (global.set $tildes (global.get $run)))))))
      (else (global.set $runOf (i32.const 0)))))

  (func $oneByte (param $byte i32)
    (call $fenceByte (local.get $byte))
    (if (i32.eq (local.get $byte) (i32.const 10))
      (then
        (global.set $lineFeeds (i32.add (global.get $lineFeeds) (i32.const 1)))
        (global.set $pairs (i32.add (global.get $pairs) (global.get $afterReturn)))))
    (global.set $afterReturn (i32.eq (local.get $byte) (i32.const 13)))
    (global.set $returns (i32.add (global.get $returns) (global.get $afterReturn)))
    (if (i32.ge_u (local.get $byte) (i32.const 0x80)) (then (global.set $high (i32.const 1))))
    (if
      (i32.or
        (i32.eq (local.get $byte) (i32.const 0x7f))
        (i32.and
          (i32.lt_u (local.get $byte) (i32.const 0x20))
          ;; TAB, LF, FF and CR are text: bits 9, 10, 12 and 13.
          (i32.eqz (i32.and (i32.shr_u (i32.const 0x3600) (local.get $byte)) (i32.const 1)))))
      (then (global.set $controls (i32.const 1)))))

  (func (export "scan") (param $at i32) (param $end i32)
    (local $block v128)
    (local $lf i32)
    (local $cr i32)
    (local $stop i32)
    (block $blocksDone
      (loop $blocks
        (br_if $blocksDone (i32.gt_u (i32.add (local.get $at) (i32.const 16)) (local.get $end)))
        (local.set $block (v128.load align=1 (local.get $at)))

        ;; Bytes below 0x20, DEL, bytes from 0x80: rare in one block except LF, so look closer only when there are any.
        (local.set $lf (i8x16.bitmask (i8x16.eq (local.get $block) (i8x16.splat (i32.const 10)))))
        (local.set $cr (i8x16.bitmask (i8x16.eq (local.get $block) (i8x16.splat (i32.const 13)))))
        (global.set $lineFeeds (i32.add (global.get $lineFeeds) (i32.popcnt (local.get $lf))))
        (if (i32.or (local.get $cr) (global.get $afterReturn))
          (then
            (global.set $returns (i32.add (global.get $returns) (i32.popcnt (local.get $cr))))
            (global.set $pairs
              (i32.add (global.get $pairs)
                (i32.popcnt
                  (i32.and (local.get $lf)
                    (i32.or (i32.shl (local.get $cr) (i32.const 1)) (global.get $afterReturn))))))
            (global.set $afterReturn (i32.and (i32.shr_u (local.get $cr) (i32.const 15)) (i32.const 1)))))
        (if (i8x16.bitmask (local.get $block)) (then (global.set $high (i32.const 1))))
        (if
          (v128.any_true
            (v128.or
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x7f)))
              (v128.andnot
                (i8x16.lt_u (local.get $block) (i8x16.splat (i32.const 0x20)))
                (v128.or
                  (v128.or
                    (i8x16.eq (local.get $block) (i8x16.splat (i32.const 9)))
                    (i8x16.eq (local.get $block) (i8x16.splat (i32.const 10))))
                  (v128.or
                    (i8x16.eq (local.get $block) (i8x16.splat (i32.const 12)))
                    (i8x16.eq (local.get $block) (i8x16.splat (i32.const 13))))))))
          (then (global.set $controls (i32.const 1))))

        (if
          (v128.any_true
            (v128.or
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x60)))
              (i8x16.eq (local.get $block) (i8x16.splat (i32.const 0x7e)))))
          (then
            (local.set $stop (i32.add (local.get $at) (i32.const 16)))
            (loop $bytes
              (call $fenceByte (i32.load8_u (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 1)))
              (br_if $bytes (i32.lt_u (local.get $at) (local.get $stop)))))
          (else
            (global.set $runOf (i32.const 0))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))))
        (br $blocks)))
    (block $restDone
      (loop $rest
        (br_if $restDone (i32.ge_u (local.get $at) (local.get $end)))
        (call $oneByte (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $rest)))))
