import TensorEngine
import Testing

@Suite struct TensorTests {
    let context: ComputeContext

    init() throws { context = try ComputeContext(threads: 1) }

    @Test(arguments: [false, true]) func valuesSurviveBothOrders(isPadded: Bool) {
        let map = context.map(images: 2, height: 3, width: 5, channels: 4, isPadded: isPadded)
        let nchw = (0..<120).map(Float.init)
        map.assignNCHW(nchw)
        #expect(map.valuesNCHW() == nchw)
        let nhwc = map.values()
        // Image 1, row 2, column 3, channel 1: pixel 28 of 4 channels; row 17 of 5 columns.
        #expect(nhwc[113] == nchw[88])
        let reversed: [Float] = nhwc.reversed()
        map.assign(reversed)
        #expect(map.values() == reversed)
    }

    @Test func aViewOfChannelsSharesMemory() {
        let map = context.map(images: 1, height: 2, width: 2, channels: 6)
        map.clear()
        map.channels(2..<4).assign([1, 2, 3, 4, 5, 6, 7, 8])
        #expect(map.values()[2...3] == [1, 2])
        #expect(map.values()[20...21] == [7, 8])
        #expect(map.channels(1..<3).values() == [0, 1, 0, 3, 0, 5, 0, 7])
    }

    @Test func rowsAndImagesAreViews() {
        let matrix = context.matrix(images: 2, rows: 3, channels: 2, values: (0..<12).map(Float.init))
        #expect(matrix.image(1).values() == [6, 7, 8, 9, 10, 11])
        #expect(matrix.image(1).rows(1..<2).values() == [8, 9])
        #expect(matrix.reshaped(images: 1, height: 2, width: 3).values() == matrix.values())
    }

    @Test func memoryIsReusedOnceItsTensorsAreGone() {
        func work() {
            var maps = (1...4).map { context.map(images: 1, height: 8 * $0, width: 8, channels: 16) }
            maps.removeFirst()
            maps.append(context.map(images: 1, height: 8, width: 8, channels: 16))
        }
        work()
        let allocations = context.allocations
        let bytes = context.tensorBytes
        for _ in 0..<10 { work() }
        #expect(context.allocations == allocations)
        #expect(context.tensorBytes == bytes)
        context.trim()
        #expect(context.tensorBytes == 0)
    }
}
