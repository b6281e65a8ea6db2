// Addresses of memory are open until programs are linked: relocations, each of which becomes one MOV.
// RUN: snow-opt %s --machine zc706 -p snowflake-reduce-addresses,snowflake-expand-addresses | snow-opt --no-debuginfo | filecheck %s --check-prefix OPEN
// RUN: snow-opt %s --machine zc706 -p snowflake-reduce-addresses,snowflake-expand-addresses,snowflake-schedule,snowflake-allocate-registers,snowflake-lower-control-flow,snowflake-fill-delay-slots,snowflake-link | snow-opt --no-debuginfo | filecheck %s --check-prefix LINKED

%x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
%seen = tile.reshape %x : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]> to !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]>
%w = tile.average_weights [256] at 70000 : !tile.packed<384>
snowflake.program structured at 64 over %seen, %w : !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]>, !tile.packed<384> {
^bb0(%maps : !snowflake.base, %weights : !snowflake.base):
  // Carried by the loop, it begins with one instruction, as does one that the loop does not change.
  snowflake.for %i times 8 {
    %row = snowflake.address %maps [%i * 8 + 58]
    %kernels = snowflake.address %weights [3]
    snowflake.ld %row, %kernels, 1, 0
  }
  %first = snowflake.address %maps [0]
  %second = snowflake.address %maps [8]
  snowflake.ld %first, %second, 1, 0
  snowflake.config done, 0
}

// OPEN:      %x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// OPEN-NEXT: %seen = tile.reshape %x : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]> to !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]>
// OPEN-NEXT: %w = tile.average_weights [256] at 70000 : !tile.packed<384>
// OPEN-NEXT: snowflake.program structured at 64 over %seen, %w : !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]>, !tile.packed<384> {
// OPEN-NEXT: ^bb0(%maps: !snowflake.base, %weights: !snowflake.base):
// OPEN-NEXT:   %0 = snowflake.mov_base %maps, 2
// OPEN-NEXT:   %kernels = snowflake.mov_base %weights, 3
// OPEN-NEXT:   %1 = snowflake.for %i times 8 iter_args(%row = %0) {
// OPEN-NEXT:     snowflake.ld %row, %kernels, 1, 0
// OPEN-NEXT:     %2 = snowflake.addi %row, 8
// OPEN-NEXT:     snowflake.yield %2
// OPEN-NEXT:   }
// OPEN-NEXT:   %first = snowflake.mov_base %maps, 0
// OPEN-NEXT:   %second = snowflake.mov_base %maps, 8
// OPEN-NEXT:   snowflake.ld %first, %second, 1, 0
// OPEN-NEXT:   snowflake.config done, 0
// OPEN-NEXT: }

// LINKED:      %x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// LINKED-NEXT: %w = tile.average_weights [256] at 70000 : !tile.packed<384>
// LINKED-NEXT: snowflake.program scheduled at 70012 {
// LINKED-NEXT:   %r3 = snowflake.get_register r3
// LINKED-NEXT:   %r2 = snowflake.get_register r2
// LINKED-NEXT:   %r0 = snowflake.get_register r0
// LINKED-NEXT:   %0 = snowflake.mov 130 : -> r2
// LINKED-NEXT:   %kernels = snowflake.mov 70003 : -> r1
// LINKED-NEXT:   %1 = snowflake.mov -7 : -> r3
// LINKED-NEXT:   snowflake.label @loop0
// LINKED-NEXT:   snowflake.bgt %r0, %r3, @loop0 : r0, r3
// LINKED-NEXT:   snowflake.ld %r2, %kernels, 1, 0 : r2, r1
// LINKED-NEXT:   %2 = snowflake.addi %r3, 1 : r3 -> r3
// LINKED-NEXT:   %3 = snowflake.addi %r2, 8 : r2 -> r2
// LINKED-NEXT:   %4 = snowflake.addi %r0, 0 : r0 -> r0
// LINKED-NEXT:   %first = snowflake.mov 128 : -> r1
// LINKED-NEXT:   %second = snowflake.mov 136 : -> r2
// LINKED-NEXT:   snowflake.ld %first, %second, 1, 0 : r1, r2
// LINKED-NEXT:   snowflake.config done, 0
// LINKED-NEXT: }
