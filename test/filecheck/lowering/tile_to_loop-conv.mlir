// convert-tile-to-loop: a convolution tile becomes loops over kernel steps, rows and columns around traces.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-tile-to-loop | filecheck %s

// An inner row of a COOP convolution. For each kernel step and column: a start from the bias, and a trace for each kernel
// row, the last of which ends the output. Near a border traces are shorter. Kernels are 192 words apart, a line of bias
// first; 4 vMACs write 4 channels a step.
// CHECK:        loop.config result_shift = 8
// CHECK-NEXT:   loop.config bias_shift = 6
// CHECK-NEXT:   loop.config bypass_shift = 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I0]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[0] wbuf[[[I0]] * 192 + 32] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[128] wbuf[[[I0]] * 192 + 80] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[256] wbuf[[[I0]] * 192 + 128] words 32 cus 1 vmacs 15 last relu
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 1 to 7 {
// CHECK-NEXT:       loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I1]] * 32 + [[I0]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + -16] wbuf[[[I0]] * 192 + 16] words 48 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + 112] wbuf[[[I0]] * 192 + 64] words 48 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + 240] wbuf[[[I0]] * 192 + 112] words 48 cus 1 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:     loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I0]] * 4 + 8416] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[96] wbuf[[[I0]] * 192 + 16] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[224] wbuf[[[I0]] * 192 + 64] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[352] wbuf[[[I0]] * 192 + 112] words 32 cus 1 vmacs 15 last relu
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %k = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[3] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 8, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// The first row lacks the kernel row above it, the last one that below. CUs with these rows share their output: the traces
// of one alone come first, under its mask, and at last that of the kernel row that both have.
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I0]] * 4 + 8192] cus 3 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[0] wbuf[[[I0]] * 192 + 32] words 32 cus 2 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[256] wbuf[[[I0]] * 192 + 128] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[128] wbuf[[[I0]] * 192 + 80] words 32 cus 3 vmacs 15 last relu
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 1 to 7 {
// CHECK-NEXT:       loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I1]] * 32 + [[I0]] * 4 + 8192] cus 3 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + -16] wbuf[[[I0]] * 192 + 16] words 48 cus 2 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + 240] wbuf[[[I0]] * 192 + 112] words 48 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I1]] * 16 + 112] wbuf[[[I0]] * 192 + 64] words 48 cus 3 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:     loop.start coop wbuf[[[I0]] * 192] to mbuf[[[I0]] * 4 + 8416] cus 3 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[96] wbuf[[[I0]] * 192 + 16] words 32 cus 2 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[352] wbuf[[[I0]] * 192 + 112] words 32 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[224] wbuf[[[I0]] * 192 + 64] words 32 cus 3 vmacs 15 last relu
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %k = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 7, cus 3> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 8, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// INDP: sixteen outputs a vMAC, so that each word of maps meets a line of weights, at any word address. 32 channels keep
// two of the four vMACs busy.
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 6 {
// CHECK-NEXT:     loop.start indp wbuf[0] to mbuf[[[I0]] * 32 + 8192] cus 1 vmacs 3
// CHECK-NEXT:     loop.mac indp mbuf[[[I0]] * 3] wbuf[16] words 9 cus 1 vmacs 3
// CHECK-NEXT:     loop.mac indp mbuf[[[I0]] * 3 + 32] wbuf[160] words 9 cus 1 vmacs 3
// CHECK-NEXT:     loop.mac indp mbuf[[[I0]] * 3 + 64] wbuf[304] words 9 cus 1 vmacs 3 last
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 3, row 32>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 192>
    %k = tile.buffer words 448 at 0 slots 1 every 8192 : !tile.wbuf<block 448>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[3] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 6, out_w 6> <depth 3, steps 1, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 27, abreast 1> <result 8, bias 6, bypass 0> : !tile.mbuf<pixel 3, row 32>, !tile.wbuf<block 448> to !tile.mbuf<pixel 32, row 192>
  }
}

// -----

// A residual starts the accumulators behind the bias, with a shift of its own.
// CHECK:        loop.config result_shift = 8
// CHECK-NEXT:   loop.config bias_shift = 6
// CHECK-NEXT:   loop.config bypass_shift = 4
// CHECK-NEXT:   loop.config bypass_offset = 0 cus 15
// CHECK-NEXT:   loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:       loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:       loop.start coop mbuf[[[I0]] * 32 + [[I1]] * 4 + 4096] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 8192] cus 1 vmacs 15 add alt
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32] wbuf[[[I1]] * 64 + 16] words 32 cus 1 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %k = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
    %r = tile.buffer words 2048 at 4096 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.conv coop %m[0], %k[0] bypass %r : !tile.mbuf<pixel 32, row 256> to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 32, steps 8, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 32, abreast 1> <result 8, bias 6, bypass 4> relu : !tile.mbuf<pixel 32, row 256>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// Kernels shared out over the CUs: the residual of each CU lies at its own offset.
// CHECK:        loop.config bypass_offset = 0 cus 1
// CHECK-NEXT:   loop.config bypass_offset = 32 cus 2
// CHECK-NEXT:   loop.config bypass_offset = 64 cus 4
// CHECK-NEXT:   loop.config bypass_offset = 96 cus 8
// CHECK-NEXT:   loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:       loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 128 + [[I1]] * 4 + 8192] cus 15 vmacs 15
// CHECK-NEXT:       loop.start coop mbuf[[[I0]] * 128 + [[I1]] * 4 + 4096] to mbuf[[[I0]] * 128 + [[I1]] * 4 + 8192] cus 15 vmacs 15 add alt
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32] wbuf[[[I1]] * 64 + 16] words 32 cus 15 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 128, row 1024>
    %k = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
    %r = tile.buffer words 2048 at 4096 slots 1 every 16384 : !tile.mbuf<pixel 128, row 1024>
    tile.conv coop %m[0], %k[0] bypass %r : !tile.mbuf<pixel 128, row 1024> to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 32, steps 8, channels 32, share 32, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 32, abreast 1> <result 8, bias 6, bypass 4> relu : !tile.mbuf<pixel 32, row 256>, !tile.wbuf<block 64> to !tile.mbuf<pixel 128, row 1024>
  }
}

// -----

// A window of a wider pixel has a trace of a line for each kernel column too. So kernel steps are outside of pixels, and
// traces come by columns.
// CHECK:        loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.for [[I0:%[^ ]+]] = 0 to 7 {
// CHECK-NEXT:       loop.start coop wbuf[[[I1]] * 128] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32 + 16] wbuf[[[I1]] * 128 + 16] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32 + 272] wbuf[[[I1]] * 128 + 48] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32 + 48] wbuf[[[I1]] * 128 + 32] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 32 + 304] wbuf[[[I1]] * 128 + 64] words 16 cus 1 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 224>
    %k = tile.buffer words 1024 at 0 slots 1 every 8192 : !tile.wbuf<block 128>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[16] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 2, kernel_w 2, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 7, out_w 7> <depth 16, steps 8, channels 64, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 64, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 32, row 256>, !tile.wbuf<block 128> to !tile.mbuf<pixel 32, row 224>
  }
}

// -----

// So has a dilated kernel: its taps are 2 columns, 32 words, and 4 rows, 1024 words, apart. Windows are 3 columns apart.
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.start coop wbuf[0] to mbuf[[[I0]] * 16 + 8192] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I0]] * 48] wbuf[16] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I0]] * 48 + 1024] wbuf[48] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I0]] * 48 + 32] wbuf[32] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I0]] * 48 + 1056] wbuf[64] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 256>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 16, row 64>
    %k = tile.buffer words 1024 at 0 slots 1 every 8192 : !tile.wbuf<block 80>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 3, dilation_h 4, dilation_w 2, pad_top 0, pad_left 0, in_h 16, in_w 16, out_h 6, out_w 4> <depth 16, steps 1, channels 4, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 64, abreast 1> <result 8, bias 6, bypass 0> : !tile.mbuf<pixel 16, row 256>, !tile.wbuf<block 80> to !tile.mbuf<pixel 16, row 64>
  }
}

// -----

// Nine traces of a line are written out by columns, inside of the loop over kernel steps: the next pixel reads the words of all
// columns but one again.
// CHECK:        loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:       loop.start coop wbuf[[[I1]] * 192] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16] wbuf[[[I1]] * 192 + 16] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 256] wbuf[[[I1]] * 192 + 64] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 512] wbuf[[[I1]] * 192 + 112] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 32] wbuf[[[I1]] * 192 + 32] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 288] wbuf[[[I1]] * 192 + 80] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 544] wbuf[[[I1]] * 192 + 128] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 64] wbuf[[[I1]] * 192 + 48] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 320] wbuf[[[I1]] * 192 + 96] words 16 cus 1 vmacs 15
// CHECK-NEXT:       loop.mac coop mbuf[[[I0]] * 16 + 576] wbuf[[[I1]] * 192 + 144] words 16 cus 1 vmacs 15 last relu
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    %k = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 2, dilation_w 2, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <depth 16, steps 8, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 128>
  }
}

// -----

// Channels that do not fill the last step keep only some vMACs busy: here 22, five whole steps and two
// vMACs more.
// CHECK:        loop.for [[I1:%[^ ]+]] = 0 to 5 {
// CHECK-NEXT:     loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:       loop.start coop wbuf[[[I1]] * 64] to mbuf[[[I0]] * 32 + [[I1]] * 4 + 8192] cus 1 vmacs 15
// CHECK:        loop.for [[I2:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.start coop wbuf[320] to mbuf[[[I2]] * 32 + 8212] cus 1 vmacs 3
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %k = tile.buffer words 384 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 6, channels 22, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// A part of a kernel begins without a start, when it is not the first, and ends no output, when it is not the last.
// CHECK:        loop.mac coop mbuf[96] wbuf[16] words 32 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[128] wbuf[48] words 64 cus 1 vmacs 15
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 64>
    %o = tile.buffer words 2048 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 32>
    %k = tile.buffer words 128 at 0 slots 1 every 8192 : !tile.wbuf<block 128>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 0, cus 1> <kernel_h 4, kernel_w 4, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 4, in_w 4, out_h 1, out_w 1> <depth 16, steps 1, channels 4, share 0, lead 0, row_lead 0, bypass_first 0, part 1, parts 3, part_words 96, abreast 1> <result 8, bias 6, bypass 0> relu : !tile.mbuf<pixel 16, row 64>, !tile.wbuf<block 128> to !tile.mbuf<pixel 32, row 32>
  }
}

// -----

// A part whose place moves by a row of 128 words and two pixels: by 160 words in the maps, by 320 in the result.
// CHECK:        loop.for %t = 0 to 3 {
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:       loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:         loop.start coop wbuf[[[I1]] * 64] to mbuf[%t * 320 + [[I0]] * 32 + [[I1]] * 4 + 8960] cus 1 vmacs 15
// CHECK-NEXT:         loop.mac coop mbuf[%t * 160 + [[I0]] * 16 + 128] wbuf[[[I1]] * 64 + 16] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 1024 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 1536 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %k = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
    tile.for %t = 0 to 3 {
      tile.conv coop %m[0], %k[0] to %o[0] at[2] word[0] row[-1] column[0] channel[0] offset[0] part[%t], [%t * 2] <top 1, bottom 2, left 0, right 2, share 2, cus 1> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 16, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256>
    }
  }
}

// -----

// Biases in the maps buffers: an output starts from those of its channels, in the slot of the maps, shifted like others;
// a bypass is added to them. Kernels have no line in front.
// CHECK:        loop.config bias_shift = 6
// CHECK-NEXT:   loop.config bypass_shift = 8
// CHECK-NEXT:   loop.config bypass_offset = 0 cus 15
// CHECK-NEXT:   loop.load %p[256] to mbuf[16896] units 2 cus 1 through 0 : !tile.packed<8320>
// CHECK-NEXT:   loop.load %p[258] to mbuf[16896] units 2 cus 2 through 1 : !tile.packed<8320>
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.start indp mbuf[16896] to mbuf[[[I0]] * 64 + 8192] cus 3 vmacs 15
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 64 + 1024] to mbuf[[[I0]] * 64 + 8192] cus 3 vmacs 15 add alt
// CHECK-NEXT:     loop.mac indp mbuf[[[I0]] * 64 + 16384] wbuf[0] words 64 cus 3 vmacs 15 last
// CHECK-NEXT:   }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<128x64x1x1x!cnn.fixed<8>>
  %p = tile.weights %w as <indp, groups 1, windows 1, depth 64, kernel_h 1, kernel_w 1, channels 128, cus 2, share 64, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [64 at 0], apart> : tensor<128x64x1x1x!cnn.fixed<8>> to !tile.packed<8320>
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 2 every 16384 : !tile.mbuf<pixel 64, row 512>
    %b = tile.buffer words 64 at 512 slots 2 every 16384 : !tile.mbuf<pixel 64, row 64>
    %r = tile.buffer words 512 at 1024 slots 1 every 16384 : !tile.mbuf<pixel 64, row 512>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 64, row 512>
    %k = tile.buffer words 1024 at 0 slots 2 every 8192 : !tile.wbuf<block 1024>
    tile.load_biases %p to %b slot[1] cus 3 : !tile.packed<8320> to !tile.mbuf<pixel 64, row 64>
    tile.conv indp %m[1], %k[0] biases %b : !tile.mbuf<pixel 64, row 64> bypass %r : !tile.mbuf<pixel 64, row 512> sliced to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 64, steps 1, channels 64, share 64, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 64, abreast 1> <result 8, bias 6, bypass 8> : !tile.mbuf<pixel 64, row 512>, !tile.wbuf<block 1024> to !tile.mbuf<pixel 64, row 512>
  }
}
