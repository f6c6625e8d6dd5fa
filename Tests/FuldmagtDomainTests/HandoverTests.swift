import Testing

@testable import FuldmagtDomain

/// Where a file goes that arrives for a number which has been replaced itself.
@Suite struct HandoverTests {
    private let cause = Cause(id: "n", source: "urn:dk:cvr:29189846", type: "dk.fuldmagt.move.renumber.v1")

    private func number(_ number: UInt64) -> Ident { Ident(high: 1, low: number) }

    private func reference(_ number: UInt64) -> PartyReference {
        PartyReference(
            pseudonym: self.number(number),
            sealed: SealedNumber(block: Ident(high: 2, low: number), tag: Ident(high: 3, low: number)), shard: 0)
    }

    private func replaced(by other: UInt64, at time: Int64) -> Renumbering {
        Renumbering(
            to: reference(other), effective: .last, at: Instant(milliseconds: time), cause: cause, isHandedOver: true)
    }

    private func handover(from former: UInt64, to other: UInt64, at time: Int64) -> Handover {
        Handover(
            .init(number: number(former), to: reference(other), at: Instant(milliseconds: time)), cause: cause,
            at: Instant(milliseconds: time), outcomePosition: nil)
    }

    @Test("two changes that cross end at the number that was told last, whichever file comes first")
    func crossing() {
        var first = handover(from: 1, to: 2, at: 10)
        #expect(first.arrive(at: number(2), replacedBy: replaced(by: 1, at: 20)) == .sendBack(to: reference(1)))
        var second = handover(from: 2, to: 1, at: 20)
        #expect(second.arrive(at: number(1), replacedBy: replaced(by: 2, at: 10)) == .takeIn)
        // The other file has not been there yet.
        #expect(first.arrive(at: number(1), replacedBy: replaced(by: 2, at: 10)) == .takeIn)
    }

    @Test(
        "two that are of one moment end at one number all the same", arguments: [(1, 2), (2, 1)] as [(UInt64, UInt64)])
    func oneMoment(one: UInt64, other: UInt64) {
        var first = handover(from: one, to: other, at: 10)
        let way = first.arrive(at: number(other), replacedBy: replaced(by: one, at: 10))
        // From the greater number to the other, wherever the two files meet.
        #expect(way == (one == 1 ? .sendBack(to: reference(1)) : .takeIn))
    }

    @Test("a file that is sent back follows where its number has been replaced anew in the meantime")
    func replacedAnew() {
        var file = handover(from: 1, to: 2, at: 10)
        #expect(file.arrive(at: number(2), replacedBy: replaced(by: 1, at: 20)) == .sendBack(to: reference(1)))
        #expect(file.arrive(at: number(1), replacedBy: replaced(by: 3, at: 30)) == .passOn(to: reference(3)))
        // And once more in a circle: to the newest again.
        #expect(file.arrive(at: number(3), replacedBy: replaced(by: 2, at: 40)) == .sendBack(to: reference(2)))
        #expect(file.arrive(at: number(2), replacedBy: replaced(by: 1, at: 20)) == .takeIn)
    }
}
