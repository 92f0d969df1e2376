import Farm
import Testing

@Suite struct ReadySetTests {
    @Test(arguments: [1, 64, 65, 4096, 4097, 300_000])
    func itAgreesWithAPlainSet(capacity: Int) {
        var state: UInt64 = 7
        var set = ReadySet(capacity: capacity)
        var plain: Set<Int> = []
        for _ in 0..<500 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let member = Int(state >> 33) % capacity
            if state >> 62 == 0 {
                set.remove(member)
                plain.remove(member)
            } else {
                set.insert(member)
                plain.insert(member)
            }
            let start = Int(state >> 20 & 0xffff) % capacity
            #expect(set.first(from: start) == plain.filter { $0 >= start }.min())
            #expect(set.count == plain.count)
        }
        for member in plain { set.remove(member) }
        #expect(set == ReadySet(capacity: capacity))
    }

    @Test func membersOutsideAreIgnored() {
        var set = ReadySet(capacity: 10)
        set.insert(-1)
        set.insert(1000)
        #expect(set.isEmpty)
        #expect(set.first() == nil)
    }
}
