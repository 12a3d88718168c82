-- One database per service; nobody reads another's.
CREATE DATABASE earnings;
CREATE DATABASE referrals;
CREATE DATABASE notifications;
CREATE DATABASE employer_link;
