// snowflake-place-banks: a bank begins by fetching the next one, and a loop that is too long repeats banks.
// RUN: snow-opt %s --machine %S/Inputs/banks64.toml -p snowflake-place-banks | snow-opt --no-debuginfo | filecheck %s

// One bank fetches nothing.
snowflake.program scheduled at 100 {
  snowflake.config done, 0
}

// Its successor's code lies behind it.
snowflake.program scheduled at 100 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %first = snowflake.mov 7 : -> r1
  // A loop over banks: this one would fit, and stands for one that does not.
  snowflake.for %i times 3 : r2 {
    snowflake.mac coop %i, %r1, 16 : r2, r1
  }
  snowflake.config done, 0
}

// A loop that takes two banks fills both alike, so that each runs while the other one is fetched.
snowflake.program scheduled at 100 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  snowflake.for %i times 3 : r2 {
    %a0 = snowflake.addi %r1, 0 : r1 -> r1
    %a1 = snowflake.addi %r1, 1 : r1 -> r1
    %a2 = snowflake.addi %r1, 2 : r1 -> r1
    %a3 = snowflake.addi %r1, 3 : r1 -> r1
    %a4 = snowflake.addi %r1, 4 : r1 -> r1
    %a5 = snowflake.addi %r1, 5 : r1 -> r1
    %a6 = snowflake.addi %r1, 6 : r1 -> r1
    %a7 = snowflake.addi %r1, 7 : r1 -> r1
    %a8 = snowflake.addi %r1, 8 : r1 -> r1
    %a9 = snowflake.addi %r1, 9 : r1 -> r1
    %a10 = snowflake.addi %r1, 10 : r1 -> r1
    %a11 = snowflake.addi %r1, 11 : r1 -> r1
    %a12 = snowflake.addi %r1, 12 : r1 -> r1
    %a13 = snowflake.addi %r1, 13 : r1 -> r1
    %a14 = snowflake.addi %r1, 14 : r1 -> r1
    %a15 = snowflake.addi %r1, 15 : r1 -> r1
    %a16 = snowflake.addi %r1, 16 : r1 -> r1
    %a17 = snowflake.addi %r1, 17 : r1 -> r1
    %a18 = snowflake.addi %r1, 18 : r1 -> r1
    %a19 = snowflake.addi %r1, 19 : r1 -> r1
    %a20 = snowflake.addi %r1, 20 : r1 -> r1
    %a21 = snowflake.addi %r1, 21 : r1 -> r1
    %a22 = snowflake.addi %r1, 22 : r1 -> r1
    %a23 = snowflake.addi %r1, 23 : r1 -> r1
    %a24 = snowflake.addi %r1, 24 : r1 -> r1
    %a25 = snowflake.addi %r1, 25 : r1 -> r1
    %a26 = snowflake.addi %r1, 26 : r1 -> r1
    %a27 = snowflake.addi %r1, 27 : r1 -> r1
    %a28 = snowflake.addi %r1, 28 : r1 -> r1
    %a29 = snowflake.addi %r1, 29 : r1 -> r1
    %a30 = snowflake.addi %r1, 30 : r1 -> r1
    %a31 = snowflake.addi %r1, 31 : r1 -> r1
    %a32 = snowflake.addi %r1, 32 : r1 -> r1
    %a33 = snowflake.addi %r1, 33 : r1 -> r1
    %a34 = snowflake.addi %r1, 34 : r1 -> r1
    %a35 = snowflake.addi %r1, 35 : r1 -> r1
    %a36 = snowflake.addi %r1, 36 : r1 -> r1
    %a37 = snowflake.addi %r1, 37 : r1 -> r1
    %a38 = snowflake.addi %r1, 38 : r1 -> r1
    %a39 = snowflake.addi %r1, 39 : r1 -> r1
    %a40 = snowflake.addi %r1, 40 : r1 -> r1
    %a41 = snowflake.addi %r1, 41 : r1 -> r1
    %a42 = snowflake.addi %r1, 42 : r1 -> r1
    %a43 = snowflake.addi %r1, 43 : r1 -> r1
    %a44 = snowflake.addi %r1, 44 : r1 -> r1
    %a45 = snowflake.addi %r1, 45 : r1 -> r1
    %a46 = snowflake.addi %r1, 46 : r1 -> r1
    %a47 = snowflake.addi %r1, 47 : r1 -> r1
    %a48 = snowflake.addi %r1, 48 : r1 -> r1
    %a49 = snowflake.addi %r1, 49 : r1 -> r1
    %a50 = snowflake.addi %r1, 50 : r1 -> r1
    %a51 = snowflake.addi %r1, 51 : r1 -> r1
    %a52 = snowflake.addi %r1, 52 : r1 -> r1
    %a53 = snowflake.addi %r1, 53 : r1 -> r1
    %a54 = snowflake.addi %r1, 54 : r1 -> r1
    %a55 = snowflake.addi %r1, 55 : r1 -> r1
    %a56 = snowflake.addi %r1, 56 : r1 -> r1
    %a57 = snowflake.addi %r1, 57 : r1 -> r1
    %a58 = snowflake.addi %r1, 58 : r1 -> r1
    %a59 = snowflake.addi %r1, 59 : r1 -> r1
  }
  snowflake.config done, 0
}

// A fetch comes behind the loads that a bank begins with, but not behind later ones; it may still be that of a loop.
snowflake.program scheduled at 100 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  snowflake.for %i times 3 : r2 {
    snowflake.ld %r1, %r1, 1, 0 : r1, r1
    %a = snowflake.addi %r1, 1 : r1 -> r1
    %b = snowflake.addi %r1, 2 : r1 -> r1
    %c = snowflake.addi %r1, 3 : r1 -> r1
    %d = snowflake.addi %r1, 4 : r1 -> r1
    %e = snowflake.addi %r1, 5 : r1 -> r1
    snowflake.ld %r1, %r1, 2, 0 : r1, r1
  }
  snowflake.config done, 0
}

// CHECK:      snowflake.program placed at 100 {
// CHECK-NEXT:   %r31 = snowflake.get_register r31
// CHECK-NEXT:   snowflake.label @bank0
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program placed at 104 {
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r31 = snowflake.get_register r31
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   snowflake.label @bank0
// CHECK-NEXT:   %0 = snowflake.mov 108 : -> r31
// CHECK-NEXT:   snowflake.beq %r0, %r0, @end0 : r0, r0
// CHECK-NEXT:   snowflake.refill %r31, 4, 0 : r31
// CHECK-NEXT:   %1 = snowflake.addi %r31, 4 : r31 -> r31
// CHECK-NEXT:   %first = snowflake.mov 7 : -> r1
// CHECK-NEXT:   %2 = snowflake.mov -2 : -> r2
// CHECK-NEXT:   snowflake.fill 63
// CHECK-NEXT:   snowflake.label @end0
// CHECK-NEXT:   %3 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @bank1
// CHECK-NEXT:   snowflake.ble %r0, %r2, @last1 : r0, r2
// CHECK-NEXT:   %4 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %5 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %6 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %7 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %8 = snowflake.addi %r31, -4 : r31 -> r31
// CHECK-NEXT:   snowflake.label @last1
// CHECK-NEXT:   snowflake.beq %r0, %r0, @end1 : r0, r0
// CHECK-NEXT:   snowflake.refill %r31, 4, 0 : r31
// CHECK-NEXT:   %9 = snowflake.addi %r31, 4 : r31 -> r31
// CHECK-NEXT:   snowflake.mac coop %r2, %r1, 16 : r2, r1
// CHECK-NEXT:   %10 = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   snowflake.fill 63
// CHECK-NEXT:   snowflake.label @end1
// CHECK-NEXT:   %11 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @bank2
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program placed at 116 {
// CHECK:        snowflake.label @bank1
// CHECK:        snowflake.addi %r1, 30 :
// CHECK-NEXT:   snowflake.fill 63
// CHECK:        snowflake.label @bank2
// CHECK:        snowflake.addi %r1, 31 :
// CHECK:        snowflake.addi %r1, 59 :
// CHECK:        snowflake.fill 63
// CHECK:        snowflake.label @bank3
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program placed at 132 {
// CHECK:        snowflake.label @bank1
// CHECK-NEXT:   snowflake.ble %r0, %r2, @last1 : r0, r2
// CHECK-NEXT:   snowflake.ld %r1, %r1, 1, 0 : r1, r1
// CHECK:        snowflake.label @last1
// CHECK-NEXT:   snowflake.refill %r31, 4, 0 : r31
// CHECK-NEXT:   [[P:%.*]] = snowflake.addi %r31, 4 : r31 -> r31
// CHECK:        snowflake.addi %r1, 5 :
// CHECK-NEXT:   snowflake.ld %r1, %r1, 2, 0 : r1, r1
