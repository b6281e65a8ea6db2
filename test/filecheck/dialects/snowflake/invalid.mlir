// What the snowflake dialect refuses, and what it says.
// RUN: snow-opt %s --machine zc706 --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// Fields that do not fit.
// CHECK: immediate 2097152 does not fit into 22 bits (-2097152 to 2097151)
%a = snowflake.mov 2097152

// -----

%a = snowflake.mov 0
// CHECK: immediate -65537 does not fit into 17 bits (-65536 to 65535)
%b = snowflake.addi %a, -65537

// -----

%a = snowflake.mov 0
// CHECK: length 4096 does not fit into 12 bits (0 to 4095)
snowflake.mac indp %a, %a, 4096

// -----

%a = snowflake.mov 0
// CHECK: length 0: wants at least one word
snowflake.mac indp %a, %a, 0

// -----

%a = snowflake.mov 0
// CHECK: vmacs 16 does not fit into 4 bits (0 to 15)
snowflake.vmov indp %a, %a, 16

// -----

%a = snowflake.mov 0
// CHECK: unit 4 does not fit into 2 bits (0 to 3)
snowflake.ld %a, %a, 1, 4

// -----

// CHECK: result_shift 32 is above its maximum of 31
snowflake.config result_shift, 32

// -----

// CHECK: done 1 is above its maximum of 0
snowflake.config done, 1

// -----

// CHECK: unknown register speed: expected result_shift, bias_shift
snowflake.config speed, 1

// -----

%a = snowflake.mov 0
// CHECK: relu acts on the write-back: it wants last
snowflake.mac coop %a, %a, 16, relu

// -----

%a = snowflake.mov 0
// CHECK: unexpected flag first: last, relu, each once
snowflake.mac coop %a, %a, 16, first

// -----

%a = snowflake.mov 0
// CHECK: unknown mode slow: expected coop, indp
snowflake.mac slow %a, %a, 16

// -----

// CHECK: unknown register r32: expected r0 to r31
%a = snowflake.mov 0 : -> r32

// -----

// Addresses and loops.
%a = snowflake.mov 0
// CHECK: an address may hold the parity of an index, `mod 2`, and no other modulus
%b = snowflake.address [%a mod 3]

// -----

// CHECK: times 0: a loop runs at least once
snowflake.for %i times 0 {
}

// -----

%a = snowflake.mov 0
// CHECK: yields 2 values, carries 1
%b = snowflake.for %i times 2 iter_args(%p = %a) {
  snowflake.yield %p, %p
}

// -----

%a = snowflake.mov 0 : -> r1
// CHECK: carried value %p changes its register
%b = snowflake.for %i times 2 iter_args(%p = %a) : r2, r1 {
  %c = snowflake.addi %p, 1 : r1 -> r3
  snowflake.yield %c : r3
}

// -----

// Stages.
// CHECK: snowflake.label in a program that is structured: control flow is snowflake.for there
snowflake.program structured at 0 {
  snowflake.label @loop
}

// -----

// CHECK: snowflake.fill in a program that is scheduled: only a placed one has instruction banks
snowflake.program scheduled at 0 {
  snowflake.fill 511
}

// -----

// CHECK: snowflake.mov has a value without a register in a program that is allocated
snowflake.program allocated at 0 {
  %a = snowflake.mov 0
}

// -----

// CHECK: snowflake.address in a program that is allocated: snowflake-expand-addresses should have removed it
snowflake.program allocated at 0 {
  %a = snowflake.address [0]
}

// -----

// CHECK: snowflake.for in a program that is placed: snowflake-place-banks should have removed it
snowflake.program placed at 0 {
  snowflake.for %i times 2 : r1 {
  }
}

// -----

// Branches, delay slots and banks.
// CHECK: snowflake.ble goes to @away, which is no label of the same block
snowflake.program branches at 0 {
  %r0 = snowflake.get_register r0
  snowflake.ble %r0, %r0, @away : r0, r0
}

// -----

// CHECK: delay slot 2 of snowflake.ble to @loop holds nothing, not an instruction that is no branch
snowflake.program scheduled at 0 {
  %r0 = snowflake.get_register r0
  snowflake.label @loop
  snowflake.ble %r0, %r0, @loop : r0, r0
  %a = snowflake.addi %r0, 0 : r0 -> r0
}

// -----

// CHECK: delay slot 1 of snowflake.ble to @loop holds snowflake.beq, not an instruction that is no branch
snowflake.program scheduled at 0 {
  %r0 = snowflake.get_register r0
  snowflake.label @loop
  snowflake.ble %r0, %r0, @loop : r0, r0
  snowflake.beq %r0, %r0, @loop : r0, r0
}

// -----

// CHECK: snowflake.beq at 0 goes to @next at 512: branch, delay slots and target must lie in one bank of 512 instructions
snowflake.program placed at 0 {
  %r0 = snowflake.get_register r0
  snowflake.beq %r0, %r0, @next : r0, r0
  %a = snowflake.addi %r0, 0 : r0 -> r0
  %b = snowflake.addi %r0, 0 : r0 -> r0
  %c = snowflake.addi %r0, 0 : r0 -> r0
  %d = snowflake.addi %r0, 0 : r0 -> r0
  snowflake.fill 512
  snowflake.label @next
  snowflake.config done, 0
}

// -----

// CHECK: snowflake.fill to 2, but the bank is filled to 3 of 512
snowflake.program placed at 0 {
  %r0 = snowflake.get_register r0
  %a = snowflake.addi %r0, 0 : r0 -> r0
  %b = snowflake.addi %r0, 0 : r0 -> r0
  %c = snowflake.addi %r0, 0 : r0 -> r0
  snowflake.fill 2
  snowflake.config done, 0
}

// -----

// CHECK: the program does not end with config done
snowflake.program placed at 0 {
  %a = snowflake.mov 0 : -> r1
}

// -----

%w = tile.average_weights [256] at 192 : !tile.packed<384>
// CHECK: the body takes the addresses of the 1 regions that it uses
snowflake.program structured at 0 over %w : !tile.packed<384> {
  snowflake.config done, 0
}

// -----

%w = tile.average_weights [256] at 192 : !tile.packed<384>
// CHECK: addresses are open in a program that is placed: snowflake-link should have filled them in
snowflake.program placed at 0 over %w : !tile.packed<384> {
^bb0(%weights : !snowflake.base):
  %a = snowflake.mov_base %weights, 12 : -> r7
  snowflake.config done, 0
}

// -----

%w = tile.average_weights [256] at 192 : !tile.packed<384>
snowflake.program structured at 0 over %w : !tile.packed<384> {
^bb0(%weights : !snowflake.base):
  // CHECK: immediate 2097152 does not fit into 22 bits (-2097152 to 2097151)
  %a = snowflake.mov_base %weights, 2097152
  snowflake.config done, 0
}
