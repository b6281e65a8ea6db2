// cnn-choose-schedule: convolutions of the same maps become one, of whose tiles each part is stored to a result of its own.
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{siblings=1} | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{siblings=0} | filecheck %s --check-prefix=ALONE
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{schedule=paper} | filecheck %s --check-prefix=ALONE
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{siblings=1 mode=indp order=mloop},cnn-describe-layers,convert-cnn-to-tile" | filecheck %s --check-prefix=TILE
// RUN: not snow-opt %s -p cnn-choose-schedule{siblings=2} 2>&1 | filecheck %s --check-prefix=TWO

// TWO: error: cnn-choose-schedule: siblings must be 0 or 1, is 2

// Constants come before all that reads them. 160 kernels are whole transfers, and so come before 240.
// CHECK:      %d = cnn.weight "d" : tensor<160xf32>
// CHECK-NEXT: [[W:%.*]] = cnn.concat_kernels %v, %w : (tensor<160x832x1x1xf32>, tensor<240x832x1x1xf32>) -> tensor<400x832x1x1xf32>
// CHECK-NEXT: [[WQ:%.*]] = cnn.quantize [[W]] : (tensor<400x832x1x1xf32>) -> tensor<400x832x1x1x!cnn.fixed<8>>
// CHECK-NEXT: [[B:%.*]] = cnn.concat_kernels %d, %b : (tensor<160xf32>, tensor<240xf32>) -> tensor<400xf32>
// CHECK-NEXT: [[BQ:%.*]] = cnn.quantize [[B]] : (tensor<400xf32>) -> tensor<400x!cnn.fixed<16>>
// CHECK-NEXT: [[ALL:%.*]] = cnn.conv2d %q, [[WQ]] bias [[BQ]] {relu} attributes {tile.schedule = {{.*}} -> tensor<1x400x7x7x!cnn.fixed<8>>
// CHECK-NEXT: %e = cnn.gather [[ALL]] {sizes = [160]} attributes {tile.fused} : (tensor<1x400x7x7x!cnn.fixed<8>>) -> tensor<1x160x7x7x!cnn.fixed<8>>
// CHECK-NEXT: %a = cnn.gather [[ALL]] {offset = 160, sizes = [240]} attributes {tile.fused} : (tensor<1x400x7x7x!cnn.fixed<8>>) -> tensor<1x240x7x7x!cnn.fixed<8>>
// CHECK:      %f = cnn.conv2d %e, %uq
// CHECK-NEXT: %c = cnn.concat %a, %f

// ALONE-NOT: cnn.concat_kernels

// TILE:     [[E:%.*]] = tile.region "e" : !tile.maps<height 7, width 7, pixel 160
// TILE:     [[CONCAT:%.*]] = tile.region "c" : !tile.maps<height 7, width 7, pixel 288
// TILE:     [[A:%.*]] = tile.view "a" of [[CONCAT]]
// TILE:     [[EROWS:%.*]] = tile.reshape [[E]] : {{.*}} to !tile.maps<height 49, width 1, pixel 160
// TILE:     [[AROWS:%.*]] = tile.reshape [[A]] : {{.*}} to !tile.maps<height 49, width 1, pixel 288
// TILE:     tile.layer "conv2d" {
// TILE:       tile.store [[TILE:%.*]][0] to [[EROWS]] row[0] column[0] channel[0] words 160 share 0 limit 160 {{.*}} : !tile.mbuf<pixel 192
// TILE:       tile.store [[TILE]][0] to [[AROWS]] row[0] column[0] channel[0] words 32 from 160 share 0 limit 256 {{.*}} : !tile.mbuf<pixel 192
// TILE:       tile.store [[TILE]][1] to [[AROWS]] row[0] column[0] channel[32] words 192 share 0 limit 256 {{.*}} : !tile.mbuf<pixel 192

%x = cnn.input "x" : tensor<1x832x7x7xf32>
%q = cnn.quantize %x : (tensor<1x832x7x7xf32>) -> tensor<1x832x7x7x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<240x832x1x1xf32>
%wq = cnn.quantize %w : (tensor<240x832x1x1xf32>) -> tensor<240x832x1x1x!cnn.fixed<8>>
%b = cnn.weight "b" : tensor<240xf32>
%bq = cnn.quantize %b : (tensor<240xf32>) -> tensor<240x!cnn.fixed<16>>
%a = cnn.conv2d %q, %wq bias %bq {relu} : (tensor<1x832x7x7x!cnn.fixed<8>>, tensor<240x832x1x1x!cnn.fixed<8>>, tensor<240x!cnn.fixed<16>>) -> tensor<1x240x7x7x!cnn.fixed<8>>
%v = cnn.weight "v" : tensor<160x832x1x1xf32>
%vq = cnn.quantize %v : (tensor<160x832x1x1xf32>) -> tensor<160x832x1x1x!cnn.fixed<8>>
%d = cnn.weight "d" : tensor<160xf32>
%dq = cnn.quantize %d : (tensor<160xf32>) -> tensor<160x!cnn.fixed<16>>
%e = cnn.conv2d %q, %vq bias %dq {relu} : (tensor<1x832x7x7x!cnn.fixed<8>>, tensor<160x832x1x1x!cnn.fixed<8>>, tensor<160x!cnn.fixed<16>>) -> tensor<1x160x7x7x!cnn.fixed<8>>
%u = cnn.weight "u" : tensor<16x160x1x1xf32>
%uq = cnn.quantize %u : (tensor<16x160x1x1xf32>) -> tensor<16x160x1x1x!cnn.fixed<8>>
%f = cnn.conv2d %e, %uq : (tensor<1x160x7x7x!cnn.fixed<8>>, tensor<16x160x1x1x!cnn.fixed<8>>) -> tensor<1x16x7x7x!cnn.fixed<8>>
%c = cnn.concat %a, %f : (tensor<1x240x7x7x!cnn.fixed<8>>, tensor<1x16x7x7x!cnn.fixed<8>>) -> tensor<1x256x7x7x!cnn.fixed<8>>
%r = cnn.dequantize %c : (tensor<1x256x7x7x!cnn.fixed<8>>) -> tensor<1x256x7x7xf32>
cnn.output "y" %r : tensor<1x256x7x7xf32>
