//! Writes that claim the primary role without having it.

use super::*;

#[test]
fn a_hand_over_that_the_primary_refuses_moves_no_role() {
    let (mut replica, outputs) = Replica::found(Options::default(), database(), name());
    carry_out(&mut replica, outputs);
    let outputs = replica.handle_link_up(NOW, BAD, PeerKind::Elsewhere);
    carry_out(&mut replica, outputs);
    let joining = Hello { replica: None, vector: WireVector::default(), ..hello("0.1") };
    let outputs = replica.handle_frame(NOW, BAD, &Frame::Hello(Box::new(joining)).encode());
    carry_out(&mut replica, outputs);
    let creation: WriteId = "1@0".parse().unwrap();
    let mut usurper = Author::created_by(replica.write(&creation).unwrap());
    let claims = usurper.write(2, WriteKind::HandOver { to: usurper.id.clone(), term: term(2) });
    let outputs = replica.handle_frame(NOW, BAD, &Writing::after(1).tentative(&claims).frame().encode());
    carry_out(&mut replica, outputs);
    let status = replica.status(&claims.id).unwrap();
    assert_eq!(status.outcome.unwrap().branch, crate::outcome::Branch::Refused);
    assert!(replica.is_primary());
    assert_eq!(replica.primary(), Some(&ReplicaId::first()));
    assert_eq!(replica.term(), Term::FIRST);
}
