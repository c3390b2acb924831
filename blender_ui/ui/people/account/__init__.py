"""The account page: sign in, take an invitation, change the password, sign out."""
